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
