/**
 * Runs the commands of README, CONTRIBUTING and docs as a reader would, after one small run of the
 * job: those in `sh` blocks and those named in the text. Blocks marked `azure` need an account and are
 * left out; what another test runs, or what takes too long, is named in ELSEWHERE.
 *
 * Started by run_docs.sh as: docs.ts FOLDER
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { loadConfig, projectRoot } from "clickstream/config";
import { stopServices } from "clickstream/emulators";
import { stopServing } from "clickstream/serving";

const [folder = ""] = Deno.args;
const home = join(folder, "home");

/** Commands that are not run here, and why. The first part of a command decides. */
const ELSEWHERE: Record<string, string> = {
  "task test": ".ci/run",
  "task check": ".ci/run",
  "task lab": "run_jupyter.sh",
  "task spark:metrics": "run_spark.sh",
  "task shop": "test/browser",
  "task serve": "test/serving",
  "task soak": "a hundred kills; ten are in test/streaming",
  "task native": "207 MB; test/model where it is set up",
  "task runme -- --size full": "a quarter of an hour",
  "task runme -- --resume": "test/job, as it needs a run that failed",
  "task marketing -- --all": "a year; bench/marketing.ts",
  "task marketing -- --from H --to H --watch": "follows the clock; test/marketing",
};

/** What a reader puts in for a word, and what makes a run short. In this order. */
const INSTEAD: [RegExp, () => string | Promise<string>][] = [
  [/ \[.*\]/, () => ""],
  [/my\/events\.csv/, ownEvents],
  [/task runme$/, () => "task runme -- --size 6000 --param trials=2 --param epochs=2"],
  [/--data sample/, () => "--data sample --only 0a,0b"],
  [/(--map \S+)$/, () => "$1 --only 0b"],
  [/--only 1b/, () => "--only 1b --param trials=2 --param epochs=2"],
  [/USER SESSION PRODUCT/, someKey],
  [/forget -- USER/, async () => `forget -- ${(await someKey()).split(" ")[0]}`],
  [/"select …"/, () => '"select count(*) from staged_events"'],
  [
    /--events FILE --out DIR/,
    () => `--events data/rees46-2019-10-01.csv.gz --out ${folder}/features`,
  ],
  [/export:training -- --out DIR/, () => `export:training -- --out ${folder}/rows`],
  [
    /--rows DIR --label NAME/,
    () => `--rows ${folder}/rows --label label --trials 2 --out ${folder}/model`,
  ],
  [/--from H --to H --step (\S+)/, () => "--from 20101201_08 --to 20101201_08 --step $1"],
  [/throttle N/, () => "throttle 3"],
  [/--mailing DIR/, () => `--mailing ${folder}/mailing`],
  [/--contacts FILE/, () => `--contacts ${contacts()}`],
  [/--suppression FILE/, () => `--suppression ${suppression()}`],
];

/** Commands whose tables others need, and those that take tables away. */
const FIRST = [/runme$/, /export:training/];
const LAST = [/--map/, /--data sample/, /task reset/, /services -- stop/];

const sources = ["README.md", "CONTRIBUTING.md"].concat(
  readdirSync(join(projectRoot, "docs")).filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
);

/** Every command of the documents, once, as it is written. */
function commands(): string[] {
  const found = sources.flatMap((name) => {
    const text = readFileSync(join(projectRoot, name), "utf8");
    const blocks = [...text.matchAll(/^```(?:sh|bash)[ \t]*\n([\s\S]*?)^```/gm)]
      .flatMap(([, lines]) => lines!.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim()));
    const words = text.replaceAll(/^```[\s\S]*?^```/gm, "");
    const inline = [...words.matchAll(/`((?:npx -y deno@2\.8\.0|deno) task[^`]+)`/g)]
      .map(([, command]) => command!.replaceAll(/\s+/g, " "));
    return [...blocks, ...inline];
  });
  const plain = found.map((line) => line.replace(/^(?:npx -y deno@2\.8\.0|deno) /, ""));
  return [...new Set(plain.filter((line) => line !== "" && !line.startsWith("#")))];
}

/** The project's sample as a file whose columns are called differently. */
function ownEvents(): string {
  const file = join(folder, "events.csv");
  const rows = gunzipSync(readFileSync(join(projectRoot, "data/rees46-2019-10-01.csv.gz")))
    .toString().split("\n").slice(0, 8000);
  const [head, ...rest] = rows as [string, ...string[]];
  const changed = rest.map((row) => row.replace(",cart,", ",add_to_cart,"));
  writeFileSync(file, [head.replace("event_type", "action"), ...changed].join("\n") + "\n");
  return file;
}

/** Addresses of the shop's customers; one of them wants no letters. */
function contacts(): string {
  const file = join(folder, "contacts.csv");
  writeFileSync(
    file,
    "userid,email,name,consent\n17850,a@example.org,Ada,yes\n13047,b@example.org,Bo,no\n",
  );
  return file;
}

function suppression(): string {
  const file = join(folder, "suppression.csv");
  writeFileSync(file, "email\nb@example.org\n");
  return file;
}

/** User, session and product of a row in gold. */
async function someKey(): Promise<string> {
  const sql = "select user_id, user_session, product_id from " +
    "electronics_cart_product_metrics__inference where user_session is not null limit 1";
  const { output } = await run(`task sql -- "${sql}"`);
  const key = /(\d{5,})\s+(\S+)\s+(\d+)\s*$/m.exec(output);
  assert.ok(key, output);
  return key.slice(1).join(" ");
}

async function run(command: string): Promise<{ code: number; output: string }> {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) =>
    quoted ?? word!
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: words,
    cwd: projectRoot,
    env: { CLICKSTREAM_HOME: home, JUPYTER_DATA_DIR: join(folder, "jupyter"), NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(600_000),
  }).output();
  const text = new TextDecoder();
  return { code, output: text.decode(stdout) + text.decode(stderr) };
}

async function asRun(command: string): Promise<string> {
  let changed = command;
  for (const [pattern, instead] of INSTEAD) {
    if (pattern.test(changed)) changed = changed.replace(pattern, await instead());
  }
  return changed;
}

function inOrder(all: string[]): string[] {
  const place = (command: string) => {
    const first = FIRST.findIndex((pattern) => pattern.test(command));
    const last = LAST.findIndex((pattern) => pattern.test(command));
    return first >= 0 ? first - FIRST.length : last >= 0 ? last + 1 : 0;
  };
  return all.toSorted((a, b) => place(a) - place(b));
}

async function main(): Promise<number> {
  mkdirSync(home, { recursive: true });
  const failed: string[] = [];
  let ran = 0;
  for (const command of inOrder(commands())) {
    const elsewhere = Object.keys(ELSEWHERE).find((start) => command.startsWith(start));
    if (elsewhere !== undefined) {
      console.log(`-    ${command}: ${ELSEWHERE[elsewhere]}`);
      continue;
    }
    const started = performance.now();
    const { code, output } = await run(await asRun(command));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${code === 0 ? "ok  " : "FAIL"} ${command} (${seconds} s)`);
    ran++;
    if (code === 0) continue;
    failed.push(command);
    console.log(output.split("\n").slice(-30).join("\n"));
  }
  console.log(`${ran} commands of the documents ran, ${failed.length} failed.`);
  return ran > 20 && failed.length === 0 ? 0 : 1;
}

let code = 1;
try {
  code = await main();
} finally {
  const config = loadConfig({ CLICKSTREAM_HOME: home });
  await stopServing(config);
  await stopServices(config);
}
Deno.exit(code);
