import { join } from "node:path";
import { projectRoot, runCommand } from "clickstream/config";
import { dictionaryText } from "../dictionary.ts";

if (import.meta.main) {
  await runCommand(async () => {
    const file = join(projectRoot, "docs/data-dictionary.md");
    await Deno.writeTextFile(file, await formatMarkdown(dictionaryText()));
    console.log(`Written: ${file}`);
  });
}

/** The text as `deno fmt` would leave it. */
export async function formatMarkdown(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: projectRoot,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await output).stdout);
}
