import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BackgroundState,
  ensureBackground,
  loadConfig,
  runningState,
  stopBackground,
} from "clickstream/config";
import { withHome } from "../support.ts";

/** A process that answers on a free port and writes its state. */
const SERVER = `
const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("ok"));
console.log("started");
const state = { pid: Deno.pid, healthUrl: "http://127.0.0.1:" + server.addr.port + "/" };
Deno.writeTextFileSync(Deno.args[0] + ".new", JSON.stringify(state));
Deno.renameSync(Deno.args[0] + ".new", Deno.args[0]);
`;

Deno.test("asked by many at once, one process is started; asked again, it is found", async () => {
  await withHome(async (home) => {
    const options = prepare(home, SERVER);
    try {
      const states = await Promise.all([1, 2, 3].map(() => ensureBackground(options)));
      assert.equal(new Set(states.map((state) => state.pid)).size, 1);
      assert.deepEqual(await ensureBackground(options), states[0]);
      assert.equal(readFileSync(options.logFile, "utf8"), "started\n");
    } finally {
      assert.equal(await stopBackground(options.stateFile), true);
    }
    assert.equal(existsSync(options.stateFile), false);
    assert.equal(await stopBackground(options.stateFile), false);
  });
});

Deno.test("a state file left by a process that was killed is replaced", async () => {
  await withHome(async (home) => {
    const options = prepare(home, SERVER);
    try {
      const killed = await ensureBackground(options);
      Deno.kill(killed.pid, "SIGKILL");
      const next = await ensureBackground(options);
      assert.notEqual(next.pid, killed.pid);
      assert.deepEqual(await runningState<BackgroundState>(options.stateFile), next);
    } finally {
      await stopBackground(options.stateFile);
    }
  });
});

Deno.test("a process that ends at its start is an error that shows its log", async () => {
  await withHome(async (home) => {
    const options = prepare(home, `console.error("no such port"); Deno.exit(3);`);
    await assert.rejects(ensureBackground(options), /The thing ended at its start.*no such port/);
  });
});

function prepare(home: string, script: string) {
  const path = join(home, "server.ts");
  writeFileSync(path, script);
  const stateFile = join(home, "state.json");
  return {
    name: "The thing",
    script: path,
    args: [stateFile],
    stateFile,
    logFile: join(home, "logs", "thing.log"),
    timeoutMs: 20_000,
    config: loadConfig({ CLICKSTREAM_HOME: home }),
  };
}
