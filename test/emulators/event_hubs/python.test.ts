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
  name: "Python's azure-eventhub sends, receives, steals and is refused with what was printed",
  ignore: !hasClient(),
  fn: () =>
    withHome(async (home) => {
      const run = (...args: string[]) =>
        outputOf(Deno.execPath(), ["run", "-A", "--quiet", MAIN, ...args], {
          CLICKSTREAM_HOME: home,
        });
      try {
        const [, all] = /^EVENT_HUBS_CONNECTION_STRING="(.+)"$/m.exec(await run())!;
        const hub = /EntityPath=(.+)$/.exec(all!)![1]!;
        const sender = await run("key", "sender", "--rights", "Send", "--hub", hub);
        const listener = await run("key", "listener", "--rights", "Listen", "--hub", hub);
        const args = [SCRIPT, all!, sender.trim(), listener.trim()];
        const { last: _, ...told } = JSON.parse(await outputOf(PYTHON, args));
        assert.deepEqual(told, EXPECTED);
      } finally {
        await stopServices(loadConfig({ CLICKSTREAM_HOME: home }));
      }
    }),
});

/** What the script must have seen. */
const EXPECTED = {
  partitions: ["0", "1", "2", "3"],
  received: 501,
  numbers: [...Array(500).keys()],
  partition: String(partitionOfKey("user-7", 4)),
  kind: "view",
  large: 200_000,
  "by number": ["2", "3", "4", "5"],
  "after number": ["3", "4", "5"],
  "after offset": ["3", "4", "5"],
  "after time": ["3", "4", "5"],
  "at the end": "later",
  newest: 0,
  "stolen from": "amqp:link:stolen",
  lower: "amqp:link:stolen",
  "owner has": ["one", "two"],
  "owner's errors": [],
  "wrong key": "AuthenticationError",
  "sender sends": "was accepted",
  "listener sends": "amqp:unauthorized-access",
  "sender listens": ["amqp:unauthorized-access"],
  "listener listens": [],
  token: "was accepted",
  "expired token": "AuthenticationError",
  "unknown hub": "amqp:not-found",
};

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
