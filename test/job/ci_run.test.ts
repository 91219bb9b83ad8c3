import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "clickstream/config";
import { withHome } from "../support.ts";

interface Made {
  /** What `task check` and `task test` print, and their exit codes. */
  check?: [string, number];
  test: [string, number];
  /** Exit codes of interop scripts. */
  interop?: number[];
}

/** A test that needs bash. */
function bashTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: Deno.build.os === "windows" });
}

/** Runs .ci/run in a folder of its own, with a stand-in for npx that prints what is given. */
async function ran(made: Made): Promise<{ code: number; last: string }> {
  return await withHome(async (root) => {
    for (const folder of [".ci", "bin", "test/interop"]) {
      await Deno.mkdir(join(root, folder), { recursive: true });
    }
    await Deno.copyFile(join(projectRoot, ".ci/run"), join(root, ".ci/run"));
    const say = ([text, code]: [string, number]) => `printf '%s\\n' '${text}'; exit ${code};;`;
    const npx = `#!/bin/bash
[ "$1 $2 $3" = "-y deno@2.8.0 task" ] || exit 99
case $4 in check) ${say(made.check ?? ["", 0])} test) ${say(made.test)} esac`;
    await Deno.writeTextFile(join(root, "bin/npx"), npx, { mode: 0o755 });
    for (const [i, code] of (made.interop ?? []).entries()) {
      await Deno.writeTextFile(join(root, `test/interop/run_${i}.sh`), `exit ${code}`);
    }
    const { code, stdout } = await new Deno.Command("bash", {
      args: [join(root, ".ci/run")],
      env: { PATH: `${join(root, "bin")}:${Deno.env.get("PATH")}` },
    }).output();
    return { code, last: new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)! };
  });
}

bashTest(".ci/run ends with one plain line made from Deno's summary", async () => {
  const test: [string, number] = ["ok | 24 passed (3 steps) | 0 failed | 2 ignored (7s)", 0];
  assert.deepEqual(await ran({ test }), { code: 0, last: "24 passed, 0 failed" });
});

bashTest(
  ".ci/run fails when a test fails, and counts interop scripts, left-out ones aside",
  async () => {
    const test: [string, number] = ["FAILED | 20 passed | 3 failed (7s)", 1];
    assert.deepEqual(await ran({ test, interop: [0, 1, 77] }), {
      code: 1,
      last: "21 passed, 4 failed",
    });
  },
);

bashTest(
  ".ci/run fails when no test ran, when they broke off, and when the gate does not hold",
  async () => {
    const none = await ran({ test: ["ok | 0 passed | 0 failed (7s)", 0] });
    assert.deepEqual(none, { code: 1, last: "0 passed, 0 failed" });
    const broken = await ran({ test: ["error: Type checking failed.", 1] });
    assert.deepEqual(broken, { code: 1, last: "0 passed, 1 failed" });
    const gate = await ran({ check: ["lint", 1], test: ["ok | 5 passed | 0 failed (1s)", 0] });
    assert.deepEqual(gate, { code: 1, last: "5 passed, 0 failed" });
  },
);
