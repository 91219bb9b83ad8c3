/** How a command ended, and what it printed. */
export interface CommandResult {
  ok: boolean;
  output: string;
}

/** Runs this Deno with arguments, without colours, in a folder. */
export async function deno(args: string[], directory: string): Promise<CommandResult> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: directory,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const output = withoutBacktrace(decoder.decode(stdout) + decoder.decode(stderr));
  return { ok: success, output: output.trim() };
}

/** Some builds of Deno end a failed command with a backtrace of their own, which says nothing. */
function withoutBacktrace(text: string): string {
  return text.replace(/\n*Stack backtrace:\n[\s\S]*$/, "\n");
}
