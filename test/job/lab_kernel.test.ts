import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot, waitUntil } from "clickstream/config";
import {
  type ConnectionInfo,
  connectKernel,
  freePorts,
  type KernelClient,
} from "../../lib/job/kernel/mod.ts";
import { installKernelSpec } from "../../lib/job/lab/kernel_spec.ts";
import { withHome } from "../support.ts";

interface Lab {
  home: string;
  client: KernelClient;
  /** Runs a cell; `shown` collects what it publishes while it runs. */
  run(code: string): { ended: Promise<string>; shown: string[] };
  status: Promise<Deno.CommandStatus>;
}

/** Starts our kernel as Jupyter does, by its spec, and speaks with it as Jupyter does. */
async function withLabKernel(body: (lab: Lab) => Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const spec = JSON.parse(Deno.readTextFileSync(installKernelSpec(home)));
    const [shell, control, iopub, stdin, hb] = freePorts(5);
    const connection: ConnectionInfo = {
      transport: "tcp",
      ip: "127.0.0.1",
      key: crypto.randomUUID(),
      signature_scheme: "hmac-sha256",
      kernel_name: "deno",
      shell_port: shell!,
      control_port: control!,
      iopub_port: iopub!,
      stdin_port: stdin!,
      hb_port: hb!,
    };
    const file = join(home, "connection.json");
    Deno.writeTextFileSync(file, JSON.stringify(connection));
    const [program, ...args] = spec.argv.map((arg: string) =>
      arg === "{connection_file}" ? file : arg
    );
    const process = new Deno.Command(program, {
      args,
      cwd: join(projectRoot, "notebooks"),
      stdout: "null",
      stderr: "null",
    }).spawn();
    const client = await waitUntil(
      () => connectKernel(connection).catch(() => null),
      { what: "the kernel", timeoutMs: 60_000 },
    );
    try {
      await body({ home, client, run: (code) => run(client, code), status: process.status });
    } finally {
      client.request("control", "shutdown_request", { restart: false }).catch(() => {});
      await process.status;
    }
  });
}

function run(client: KernelClient, code: string): { ended: Promise<string>; shown: string[] } {
  const shown: string[] = [];
  const ended = client.execute(code, {
    onMessage: ({ header, content }) => {
      if (header.msg_type !== "status") shown.push(JSON.stringify(content));
    },
  }).then(({ status }) => status);
  return { ended, shown };
}

const interrupt = ({ client }: Lab) => client.request("control", "interrupt_request", {});

/** Waits until a cell has said that it is under way. */
const says = (cell: { shown: string[] }, text: string) =>
  waitUntil(() => cell.shown.some((line) => line.includes(text)), {
    what: `a cell to show ${text}`,
    timeoutMs: 60_000,
  });

Deno.test("in Jupyter's kernel a stop ends a cell that waits, and what it started goes on", async () => {
  await withLabKernel(async (lab) => {
    await lab.run(`import { progress } from "clickstream/display"; let beats = 0;
      setInterval(() => beats++, 10);`).ended;
    const cell = lab.run(`const bar = progress("Waiting for nothing");
      for (;;) { bar.update(1); await new Promise((next) => setTimeout(next, 20)); }`);
    await says(cell, "Waiting for nothing");
    assert.deepEqual(await interrupt(lab), { status: "ok" });
    assert.equal(await cell.ended, "error");
    assert.match(cell.shown.join("\n"), /This cell was stopped/);
    const after = lab.run(
      `const at = beats; while (beats < at + 3) await new Promise((next) => setTimeout(next, 10)); "beats"`,
    );
    assert.equal(await after.ended, "ok");
  });
});

Deno.test("in Jupyter's kernel a stop ends a busy cell too, and its state is kept", async () => {
  await withLabKernel(async (lab) => {
    await lab.run("let kept = 41;").ended;
    const cell = lab.run(`console.log("busy"); while (true) kept = 42;`);
    await says(cell, "busy");
    await interrupt(lab);
    assert.equal(await cell.ended, "error");
    const after = lab.run("kept");
    assert.equal(await after.ended, "ok");
    assert.match(after.shown.join("\n"), /42/);
  });
});

Deno.test("in Jupyter's kernel a stop with nothing to stop says so and harms nothing", async () => {
  await withLabKernel(async (lab) => {
    const over = join(lab.home, "over");
    const cell = lab.run(`console.log("waits");
      while (!await Deno.stat(${JSON.stringify(over)}).catch(() => null)) {
        await new Promise((next) => setTimeout(next, 20));
      }`);
    await says(cell, "waits");
    await interrupt(lab);
    await says(cell, "Nothing to stop");
    Deno.writeTextFileSync(over, "");
    assert.equal(await cell.ended, "ok");
  });
});

Deno.test("in Jupyter's kernel a cell run too early is told to run those above it", async () => {
  await withLabKernel(async (lab) => {
    const cell = lab.run("// Ask\nlake.connect()");
    assert.equal(await cell.ended, "error");
    await says(cell, "lake: a cell above makes it");
    assert.equal(await lab.run("const lake = 1; lake").ended, "ok");
  });
});

Deno.test("in Jupyter's kernel what no cell catches is shown", async () => {
  await withLabKernel(async (lab) => {
    const cell = lab.run(`setTimeout(() => { throw new Error("lost in a timer"); }, 0);
      void Promise.reject(new Error("lost in a promise"));
      await new Promise((next) => setTimeout(next, 200));`);
    assert.equal(await cell.ended, "ok");
    const shown = cell.shown.join("\n");
    assert.match(shown, /uncaught error: lost in a timer/);
    assert.match(shown, /unhandled rejection: lost in a promise/);
  });
});

Deno.test("Jupyter's kernel ends when it is asked to, with its Deno kernel", async () => {
  await withLabKernel(async ({ client, status }) => {
    client.request("control", "shutdown_request", { restart: false }).catch(() => {});
    assert.equal((await status).success, true);
    assert.equal(await client.heartbeat(300), false);
  });
});
