import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./faults.ts", import.meta.url));

// A process of its own: what hangs or dies there hangs or kills no test.
Deno.test("broker, store, producer and stream killed, lines cut and a busy store leave what a clean run leaves", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", SCRIPT, "--kills", "2", "--seed", "1"],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stdout) + text.decode(stderr));
});
