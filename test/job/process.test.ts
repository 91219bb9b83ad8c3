import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot, waitUntil } from "clickstream/config";
import { withHome } from "../support.ts";
import { notebookFile } from "./support.ts";

/** RUNME as a process of its own, over one notebook that says its pid and then waits for ever. */
async function withWaitingRun(
  body: (runner: Deno.ChildProcess, home: string, kernel: number) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const notebook = await notebookFile(home, "a.ipynb", [
      'console.log("kept");',
      `Deno.writeTextFileSync("${home}/pid", String(Deno.pid)); await new Promise(() => {});`,
    ]);
    const task = {
      key: "a",
      description: "Wait",
      notebook,
      dependsOn: [],
      timeoutSeconds: 60,
      maxRetries: 0,
    };
    const job = { name: "test", tags: {}, timeoutSeconds: 60, tasks: [task] };
    const script = join(home, "runme.ts");
    await Deno.writeTextFile(
      script,
      `import { runMe } from "clickstream/job";
Deno.exitCode = await runMe([], { job: ${JSON.stringify(job)} });`,
    );
    const runner = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", join(projectRoot, "deno.json"), script],
      env: { CLICKSTREAM_HOME: home },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const pid = await waitUntil(() => existsSync(join(home, "pid")) && readPid(home), {
      what: "the notebook to start",
    });
    await body(runner, home, pid);
  });
}

function readPid(home: string): number {
  return Number(Deno.readTextFileSync(join(home, "pid")));
}

function isRunning(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

/** Signals do not reach a process like this on Windows. */
function posixTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: Deno.build.os === "windows" });
}

posixTest("Ctrl-C ends the kernels, keeps the partial copy and says how to resume", async () => {
  await withWaitingRun(async (runner, home, kernel) => {
    runner.kill("SIGINT");
    const { code, stdout } = await runner.output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(code, 130);
    assert.match(text, /canceled after/);
    assert.match(text, /task runme -- --resume \d+/);
    const folder = /(\S+)\/report\.html\s*$/.exec(text)![1]!;
    assert.match(Deno.readTextFileSync(join(folder, "a.ipynb")), /kept/);
    assert.equal(isRunning(kernel), false);
    assert.equal(existsSync(join(home, "job.lock")), false);
  });
});

posixTest(
  "a runner that is killed leaves no kernel behind, and its lock is taken over",
  async () => {
    await withWaitingRun(async (runner, home, kernel) => {
      runner.kill("SIGKILL");
      await runner.output();
      await waitUntil(() => !isRunning(kernel), { what: "the kernel to end by itself" });
      const { runMe } = await import("clickstream/job");
      const settings = { CLICKSTREAM_HOME: home };
      const [runId] = [...Deno.readDirSync(join(home, "runs"))].map(({ name }) => name);
      const job = { name: "test", tags: {}, timeoutSeconds: 60, tasks: [] };
      const resumed = runMe(["--resume", runId!], { job, settings, write: () => {} });
      await assert.rejects(resumed, /its notebook is gone/);
    });
  },
);

interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

async function runme(args: string[], home: string): Promise<Printed> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", join(projectRoot, "RUNME.ts"), ...args],
    env: { CLICKSTREAM_HOME: home, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("--list prints the tasks with what they wait for, and runs nothing", async () => {
  await withHome(async (home) => {
    const { code, stdout } = await runme(["--", "--list"], home);
    assert.equal(code, 0);
    assert.match(stdout, /2d_deploy_model +after 2a, 2b, 2c/);
    assert.deepEqual([...Deno.readDirSync(home)], []);
  });
});

Deno.test("bad input is one sentence on stderr, exit code 1, and leaves nothing behind", async () => {
  await withHome(async (home) => {
    const cases: [string[], RegExp][] = [
      [["--nope"], /There is no option "--nope"/],
      [["--only", "7x"], /There is no task "7x"; the tasks are 0a_config/],
      [["--data", "missing.csv"], /there is no file at .*missing\.csv/],
      [["--resume", "1"], /There is no run "1"/],
      [["--param", "no_such=1"], /No notebook has a parameter "no_such"/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await runme(args, home);
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.equal(stdout, "");
    }
    assert.deepEqual([...Deno.readDirSync(home)], []);
  });
});
