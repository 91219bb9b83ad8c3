import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "clickstream/config";
import { withHome } from "../support.ts";

/** The documents people read, as paths from the project's root. */
const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(projectRoot, "docs")).filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const read = (name: string) => readFileSync(join(projectRoot, name), "utf8");

/** The commands in a document's `sh` blocks; those marked `azure` need an account and are apart. */
function commandsOf(name: string): string[] {
  const blocks = read(name).matchAll(/^```(?:sh|bash)[ \t]*\n([\s\S]*?)^```/gm);
  return [...blocks].flatMap(([, text]) =>
    text!.replaceAll("\\\n", " ").split("\n").map((line) => line.replace(/\s+#.*$/, "").trim())
  ).filter((line) => line !== "" && !line.startsWith("#"));
}

const TASK = /^(?:npx -y deno@2\.8\.0|deno) task (\S+)(?: (.*))?$/;

Deno.test("every deno task that a document names is there", () => {
  const tasks = JSON.parse(read("deno.json")).tasks;
  for (const name of DOCUMENTS) {
    for (const command of commandsOf(name)) {
      const task = TASK.exec(command)?.[1];
      if (task !== undefined) assert.ok(task in tasks, `${name}: ${command}`);
    }
  }
});

Deno.test("links from one document to another, and their pictures, lead somewhere", () => {
  for (const name of DOCUMENTS) {
    const targets = [...read(name).matchAll(/(?:\]\(|src(?:set)?=")([^)"#\s]+)/g)];
    for (const [, target] of targets) {
      if (/^[a-z]+:/.test(target!)) continue;
      const path = join(projectRoot, dirname(name), target!);
      assert.ok(existsSync(path), `${name} links to ${target}, which is not there`);
    }
  }
});

/** Commands that end at once. The others run in .ci/run and in tests of their own. */
const QUICK = /task runme -- --(?:list|help)$/;

Deno.test("the quick commands of the documents do what they say", async () => {
  const quick = new Set(DOCUMENTS.flatMap(commandsOf).filter((command) => QUICK.test(command)));
  assert.ok(quick.size > 0);
  await withHome(async (home) => {
    for (const command of quick) {
      const [, task, rest = ""] = TASK.exec(command)!;
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["task", task!, ...rest.split(" ")],
        cwd: projectRoot,
        env: { CLICKSTREAM_HOME: home },
        stdin: "null",
      }).output();
      assert.equal(code, 0, `${command}: ${new TextDecoder().decode(stderr)}`);
    }
  });
});
