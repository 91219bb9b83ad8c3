import { randomUUID } from "node:crypto";

/** A line into the code that runs in a kernel, over which its waiting cell is stopped. */
export interface StopLine {
  /** Code that opens the line from within the kernel; run once, silently. */
  code: string;
  /** Stops what waits. False when the kernel's code does not answer: it is busy, or not there yet. */
  stop(): Promise<boolean>;
  /** Adds words to what the last cell shows; an empty text says nothing. */
  say(text: string): Promise<void>;
  close(): void;
}

/** Time in which code that waits answers, and code that is busy does not, in milliseconds. */
const ANSWER_MS = 1500;
/** Asks whether the code listens; a late answer does no harm. */
const ASK = 1;
/** Stops it. */
const STOP = 2;
/** Lets it show a text; its length in two bytes and the text follow. */
const SAY = 3;

/** Listens for the kernel that is to run {@link StopLine.code}. */
export function stopLine(answerMs: number = ANSWER_MS): StopLine {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const password = randomUUID();
  let kernel: Deno.Conn | undefined;
  let answered = () => {};
  const accept = async () => {
    for await (const connection of listener) {
      const sent = new Uint8Array(password.length);
      await connection.read(sent);
      if (new TextDecoder().decode(sent) !== password) {
        connection.close();
        continue;
      }
      kernel = connection;
      while (await connection.read(sent) !== null) answered();
    }
  };
  accept().catch(() => {});

  /** Whether the kernel's code can listen just now. */
  async function waits(line: Deno.Conn): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    answered = () => resolve(true);
    const timer = setTimeout(() => resolve(false), answerMs);
    await line.write(Uint8Array.of(ASK));
    const answer = await promise;
    clearTimeout(timer);
    return answer;
  }

  return {
    code: codeFor((listener.addr as Deno.NetAddr).port, password),
    async stop() {
      try {
        if (!kernel || !await waits(kernel)) return false;
        await kernel.write(Uint8Array.of(STOP));
        return true;
      } catch {
        return false;
      }
    },
    async say(text) {
      const bytes = new TextEncoder().encode(text);
      if (bytes.length === 0) return;
      const head = Uint8Array.of(SAY, bytes.length >> 8, bytes.length & 255);
      await kernel?.write(Uint8Array.from([...head, ...bytes])).catch(() => {});
    },
    close() {
      listener.close();
      kernel?.close();
    },
  };
}

/** A cell that shows nothing live has nowhere to be ended; breaking its await would end the kernel. */
const NOTHING_TO_STOP =
  "Nothing to stop: no cell runs, or it waits for something that shows no progress. " +
  "Kernel > Restart ends it.";

/** Jupyter interrupts a kernel before it ends it: then there is nothing to say. In milliseconds. */
const BEFORE_SAYING_MS = 500;

function codeFor(port: number, password: string): string {
  return `{
  const line = await Deno.connect({ hostname: "127.0.0.1", port: ${port} });
  line.unref();
  await line.write(new TextEncoder().encode("${password}"));
  const say = (text) => Deno.jupyter.broadcast("stream", { name: "stderr", text: text + "\\n" });
  const read = async (count) => {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const more = await line.read(bytes.subarray(at));
      if (more === null) throw new Error("closed");
      at += more;
    }
    return bytes;
  };
  const listen = async () => {
    for (;;) {
      const asked = await read(1);
      if (asked[0] === ${SAY}) {
        const [high, low] = await read(2);
        await say(new TextDecoder().decode(await read(256 * high + low)));
        continue;
      }
      if (asked[0] === ${ASK}) {
        await line.write(asked);
        continue;
      }
      const stopped = globalThis[Symbol.for("clickstream.interrupt")]?.() ?? 0;
      if (stopped === 0) setTimeout(say, ${BEFORE_SAYING_MS}, ${JSON.stringify(NOTHING_TO_STOP)});
    }
  };
  listen().catch(() => {});
}
undefined`;
}
