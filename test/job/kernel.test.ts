import assert from "node:assert/strict";
import {
  connectKernel,
  decodeKernelMessage,
  encodeKernelMessage,
  type Kernel,
  KernelError,
  type KernelMessage,
  newMessage,
  startKernel,
  startKernelProcess,
} from "../../lib/job/kernel/mod.ts";
import { withHome } from "../support.ts";

async function withKernel(body: (kernel: Kernel) => Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const kernel = await startKernel({ directory: home });
    try {
      await body(kernel);
    } finally {
      await kernel.stop();
    }
  });
}

async function execute(kernel: Kernel, code: string): Promise<KernelMessage[]> {
  const messages: KernelMessage[] = [];
  await kernel.execute(code, { onMessage: (message) => messages.push(message) });
  return messages;
}

const types = (messages: KernelMessage[]) => messages.map(({ header }) => header.msg_type);
const textOf = (messages: KernelMessage[]) =>
  messages.map(({ content }) =>
    String(content.text ?? (content.data as Record<string, string>)?.["text/plain"] ?? "")
  ).join("");

Deno.test("a kernel answers the heartbeat, and no more once it has ended", async () => {
  await withKernel(async (kernel) => {
    assert.equal(await kernel.heartbeat(), true);
    assert.equal(await kernel.heartbeat(), true);
    kernel.kill();
    await kernel.ended;
    assert.equal(await kernel.heartbeat(200), false);
  });
});

Deno.test("all that a cell publishes has come when its execution resolves", async () => {
  await withKernel(async (kernel) => {
    const messages = await execute(kernel, 'console.log("a"); console.error("b"); 1 + 1');
    assert.deepEqual(types(messages).slice(0, 2), ["status", "execute_input"]);
    assert.deepEqual(types(messages).slice(2).sort(), ["execute_result", "stream", "stream"]);
  });
});

Deno.test("an interrupt stops a busy loop at once and keeps the state", async () => {
  await withKernel(async (kernel) => {
    await execute(kernel, "const kept = 41;");
    const looping = kernel.execute("while (true) {}", {
      onMessage: ({ header }) => {
        if (header.msg_type === "execute_input") void kernel.interrupt();
      },
    });
    assert.equal((await looping).status, "error");
    assert.match(textOf(await execute(kernel, "kept + 1")), /42/);
  });
});

Deno.test("members of an object complete", async () => {
  await withKernel(async (kernel) => {
    await execute(kernel, "const basket = { apples: 3, apricots: 4, pears: 5 };");
    const code = "basket.ap";
    const matches = await kernel.complete(code, code.length);
    assert.ok(matches.some((match) => match.endsWith("apples")), String(matches));
    assert.ok(!matches.some((match) => match.endsWith("pears")));
  });
});

Deno.test("an output of several megabytes arrives whole", async () => {
  await withKernel(async (kernel) => {
    const messages = await execute(kernel, 'console.log("x".repeat(4_000_000) + "end")');
    const text = textOf(messages.filter(({ header }) => header.msg_type === "stream"));
    assert.equal(text.length, 4_000_004);
    assert.ok(text.endsWith("end\n"));
  });
});

Deno.test("a cell ends, too, when the kernel drops its report behind an output too big for the line", async () => {
  await withKernel(async (kernel) => {
    const messages = await execute(kernel, 'console.log("x".repeat(20_000_000) + "end")');
    assert.ok(textOf(messages).endsWith("end\n"));
    assert.match(textOf(await execute(kernel, "6 * 7")), /42/);
  });
});

Deno.test("many small awaits lose no output", async () => {
  await withKernel(async (kernel) => {
    for (let i = 0; i < 30; i++) {
      const messages = await execute(
        kernel,
        `await new Promise((done) => setTimeout(done, 2)); console.log("out ${i}");`,
      );
      assert.equal(textOf(messages), `out ${i}\n`);
    }
  });
});

Deno.test("a kernel killed in mid-cell rejects the execution, saying how it ended", async () => {
  await withKernel(async (kernel) => {
    const running = kernel.execute("await new Promise(() => {})", {
      onMessage: ({ header }) => {
        if (header.msg_type === "execute_input") Deno.kill(kernel.pid, "SIGKILL");
      },
    });
    await assert.rejects(running, /The kernel died \(ended by SIGKILL\)/);
    await assert.rejects(kernel.execute("1"), KernelError);
  });
});

Deno.test("a Deno that is not there is one clear error", async () => {
  await withHome(async (home) => {
    await assert.rejects(
      startKernel({ directory: home, deno: "/nowhere/deno" }),
      /could not be started with \/nowhere\/deno/,
    );
  });
});

Deno.test("a program that is no kernel is one clear error", async () => {
  await withHome(async (home) => {
    const deno = Deno.build.os === "windows" ? "whoami" : "true";
    await assert.rejects(startKernel({ directory: home, deno }), /ended before it was ready/);
  });
});

Deno.test({
  name: "what a kernel process prints itself goes to its log, secrets hidden",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withHome(async (home) => {
      const [deno, logFile] = [`${home}/deno.sh`, `${home}/kernel.log`];
      await Deno.writeTextFile(deno, "#!/bin/sh\necho native s3cr3t", { mode: 0o755 });
      const mask = (text: string) => text.replaceAll("s3cr3t", "***");
      const kernel = startKernelProcess({ directory: home, deno, logFile, mask });
      assert.equal(await kernel.ended, "exit code 0");
      assert.equal(await Deno.readTextFile(logFile), "native ***\n");
    }),
});

Deno.test("a message comes back as it was signed", () => {
  const message = newMessage("execute_request", { code: "é\n1" }, "session");
  const topic = new TextEncoder().encode("stream");
  const frames = [topic, ...encodeKernelMessage(message, "key")];
  assert.deepEqual(decodeKernelMessage(frames, "key"), message);
});

Deno.test("a message with a wrong signature, a changed part or no delimiter is refused", () => {
  const message = newMessage("execute_reply", { status: "ok" }, "session");
  const frames = encodeKernelMessage(message, "key");
  assert.throws(() => decodeKernelMessage(frames, "other"), /wrong signature, so it is refused/);
  const changed = frames.with(-1, new TextEncoder().encode('{"status":"error"}'));
  assert.throws(() => decodeKernelMessage(changed, "key"), /wrong signature/);
  assert.throws(() => decodeKernelMessage(frames.slice(1), "key"), /lacks its delimiter/);
  assert.throws(() => decodeKernelMessage(frames.slice(0, 4), "key"), /lacks/);
});

Deno.test("a kernel does not run what is signed with another key", async () => {
  await withHome(async (home) => {
    const kernel = startKernelProcess({ directory: home });
    const wrong = { ...kernel.connection, key: "not the key" };
    let client = await tryConnect(wrong);
    while (client === undefined) client = await tryConnect(wrong);
    const refused = client.execute(`Deno.writeTextFileSync("${home}/done", "")`).catch(() => {});
    const right = await tryConnect(kernel.connection);
    // Kernels pass over such a message and go on with the next, or stop to listen for good.
    const next = right?.execute("1").catch(() => {});
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, 1500);
    await Promise.race([next, deadline.promise, kernel.ended]);
    clearTimeout(timer);
    assert.throws(() => Deno.statSync(`${home}/done`), Deno.errors.NotFound);
    for (const open of [client, right]) open?.close(new KernelError("The test is over."));
    await refused;
    kernel.kill();
    await kernel.ended;
  });
});

async function tryConnect(connection: Parameters<typeof connectKernel>[0]) {
  try {
    return await connectKernel(connection);
  } catch {
    await new Promise((done) => setTimeout(done, 20));
    return undefined;
  }
}
