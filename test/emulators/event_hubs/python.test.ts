import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { partitionOfKey } from "../../../lib/emulators/event_hubs/mod.ts";
import { HUB, withEventHubs } from "./support.ts";

/** A Python with azure-eventhub installed; CLICKSTREAM_PYTHON names another than python3. */
const PYTHON = process.env.CLICKSTREAM_PYTHON ?? "python3";
const SCRIPT = fileURLToPath(new URL("./client.py", import.meta.url));

Deno.test({
  name: "Python's azure-eventhub sends, receives and is refused as the service would do it",
  ignore: !hasClient(),
  fn: async () => {
    await withEventHubs(async (server) => {
      const { code, stdout, stderr } = await new Deno.Command(PYTHON, {
        args: [SCRIPT, server.connectionString(HUB)],
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      const told = JSON.parse(new TextDecoder().decode(stdout));
      assert.deepEqual(told.partitions, ["0", "1", "2", "3"]);
      assert.equal(told.received, 501);
      assert.deepEqual(told.numbers, [...Array(500).keys()]);
      assert.equal(told.partition, String(partitionOfKey("user-7", 4)));
      assert.equal(told.kind, "view");
      assert.equal(told.large, 200_000);
      assert.equal(told["wrong key"], "AuthenticationError");
    });
  },
});

function hasClient(): boolean {
  try {
    const args = ["-c", "import azure.eventhub"];
    return new Deno.Command(PYTHON, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
