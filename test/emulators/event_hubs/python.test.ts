import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { loadConfig } from "clickstream/config";
import { stopServices } from "clickstream/emulators";
import { partitionOfKey } from "../../../lib/emulators/event_hubs/mod.ts";
import { withHome } from "../../support.ts";

/** A Python with azure-eventhub installed; CLICKSTREAM_PYTHON names another than python3. */
const PYTHON = process.env.CLICKSTREAM_PYTHON ?? "python3";
const MAIN = fileURLToPath(new URL("../../../lib/emulators/main.ts", import.meta.url));
const SCRIPT = fileURLToPath(new URL("./client.py", import.meta.url));

Deno.test({
  name: "Python's azure-eventhub sends, receives and is refused with what the command printed",
  ignore: !hasClient(),
  fn: () =>
    withHome(async (home) => {
      try {
        const printed = await outputOf(Deno.execPath(), ["run", "-A", "--quiet", MAIN], {
          CLICKSTREAM_HOME: home,
        });
        const [, connection] = /^EVENT_HUBS_CONNECTION_STRING="(.+)"$/m.exec(printed)!;
        const told = JSON.parse(await outputOf(PYTHON, [SCRIPT, connection!]));
        assert.deepEqual(told.partitions, ["0", "1", "2", "3"]);
        assert.equal(told.received, 501);
        assert.deepEqual(told.numbers, [...Array(500).keys()]);
        assert.equal(told.partition, String(partitionOfKey("user-7", 4)));
        assert.equal(told.kind, "view");
        assert.equal(told.large, 200_000);
        assert.equal(told["wrong key"], "AuthenticationError");
      } finally {
        await stopServices(loadConfig({ CLICKSTREAM_HOME: home }));
      }
    }),
});

async function outputOf(command: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, env }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

function hasClient(): boolean {
  try {
    const args = ["-c", "import azure.eventhub"];
    return new Deno.Command(PYTHON, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
