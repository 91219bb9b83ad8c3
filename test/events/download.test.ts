import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { download, resolveSource } from "clickstream/events";
import { withHome } from "../support.ts";

const content = new Uint8Array(300_000).map((_, index) => (index * 7919) >> 3);
const sha256 = createHash("sha256").update(content).digest("hex");

type Handler = (request: IncomingMessage, response: ServerResponse, calls: number) => void;

/** Runs `body` with a server on a free port, and a list of the ranges that were asked for. */
async function withServer(
  handler: Handler,
  body: (url: string, ranges: (string | undefined)[], home: string) => Promise<void>,
): Promise<void> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await withHome((home) => body(`http://127.0.0.1:${port}/events.csv.gz`, ranges, home));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Answers as a server with ranges does; `upTo` cuts the connection after so many bytes. */
function serve(request: IncomingMessage, response: ServerResponse, upTo = Infinity): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= content.length) return void response.writeHead(416).end();
  const rest = content.subarray(from);
  const headers: Record<string, string | number> = { "content-length": rest.length };
  if (from > 0) headers["content-range"] = `bytes ${from}-${content.length - 1}/${content.length}`;
  response.writeHead(from > 0 ? 206 : 200, headers);
  if (rest.length <= upTo) return void response.end(rest);
  response.write(rest.subarray(0, upTo), () => setTimeout(() => response.destroy(), 20));
}

Deno.test("a file is downloaded with progress, and taken as it is the next time", () =>
  withServer((request, response) => serve(request, response), async (url, ranges, home) => {
    const file = join(home, "downloads", "events.csv.gz");
    const seen: [number, number | null][] = [];
    const options = {
      url,
      file,
      sha256,
      onProgress: (done: number, total: number | null) => seen.push([done, total]),
    };
    assert.equal(await download(options), file);
    assert.deepEqual(new Uint8Array(readFileSync(file)), content);
    assert.deepEqual(seen.at(-1), [300_000, 300_000]);
    assert.equal(existsSync(`${file}.part`), false);
    await download(options);
    assert.deepEqual(ranges, [undefined]);
  }));

Deno.test("a cut connection is taken up where it stopped", () =>
  withServer(
    (request, response, calls) => serve(request, response, calls < 3 ? 100_000 : Infinity),
    async (url, ranges, home) => {
      const file = join(home, "events.csv.gz");
      await download({ url, file, sha256 });
      assert.deepEqual(new Uint8Array(readFileSync(file)), content);
      assert.equal(ranges.length, 3);
      assert.match(String(ranges[1]), /^bytes=[1-9]\d*-$/);
    },
  ));

Deno.test("a download that was given up goes on the next time", () =>
  withServer(
    (request, response, calls) => serve(request, response, calls === 1 ? 100_000 : Infinity),
    async (url, ranges, home) => {
      const file = join(home, "events.csv.gz");
      await assert.rejects(download({ url, file, sha256, retries: 0 }), {
        name: "DownloadError",
        message:
          /could not be downloaded \(.*\): check the network and try again, what has come is kept/,
      });
      assert.equal(existsSync(file), false);
      assert.equal(existsSync(`${file}.part`), true);
      await download({ url, file, sha256, retries: 0 });
      assert.deepEqual(new Uint8Array(readFileSync(file)), content);
      assert.match(String(ranges[1]), /^bytes=[1-9]\d*-$/);
    },
  ));

Deno.test("a server without ranges is asked again from the start", () =>
  withServer(
    (_request, response, calls) => {
      response.writeHead(200, { "content-length": content.length });
      if (calls > 1) return void response.end(content);
      response.write(content.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
    },
    async (url, _ranges, home) => {
      const file = join(home, "events.csv.gz");
      await download({ url, file, sha256 });
      assert.deepEqual(new Uint8Array(readFileSync(file)), content);
    },
  ));

Deno.test("a part that is already whole only needs its checksum", () =>
  withServer((request, response) => serve(request, response), async (url, ranges, home) => {
    const file = join(home, "events.csv.gz");
    writeFileSync(`${file}.part`, content);
    await download({ url, file, sha256 });
    assert.deepEqual(ranges, ["bytes=300000-"]);
    assert.deepEqual(new Uint8Array(readFileSync(file)), content);
  }));

Deno.test("a wrong checksum is refused and nothing is left", () =>
  withServer((request, response) => serve(request, response), async (url, _ranges, home) => {
    const file = join(home, "events.csv.gz");
    await assert.rejects(download({ url, file, sha256: "0".repeat(64) }), {
      name: "DownloadError",
      message: /has the SHA-256 [0-9a-f]{64}, expected 0{64}: try again/,
    });
    assert.equal(existsSync(file), false);
    assert.equal(existsSync(`${file}.part`), false);
  }));

Deno.test("a file that was damaged after its download is downloaded again", () =>
  withServer((request, response) => serve(request, response), async (url, _ranges, home) => {
    const file = join(home, "events.csv.gz");
    writeFileSync(file, "damaged");
    await download({ url, file, sha256 });
    assert.deepEqual(new Uint8Array(readFileSync(file)), content);
  }));

Deno.test("a server that refuses, fails or is not there is one clear sentence", async () => {
  await withServer(
    (_request, response) => void response.writeHead(404).end("gone"),
    (url, _r, home) =>
      assert.rejects(download({ url, file: join(home, "x"), sha256 }), {
        name: "DownloadError",
        message: /answered 404 Not Found: check the address/,
      }),
  );
  await withServer(
    (_request, response) => void response.writeHead(503).end(),
    (url, _r, home) =>
      assert.rejects(download({ url, file: join(home, "x"), sha256, retries: 0 }), {
        name: "DownloadError",
        message: /could not be downloaded \(the server answered 503\)/,
      }),
  );
  await withHome((home) =>
    assert.rejects(
      download({ url: "http://127.0.0.1:1/x", file: join(home, "x"), sha256, retries: 0 }),
      { name: "DownloadError", message: /could not be downloaded/ },
    )
  );
});

Deno.test("a server that falls silent counts as cut off", () =>
  withServer(
    (request, response, calls) => {
      if (calls > 1) return serve(request, response);
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 1000));
    },
    async (url, _ranges, home) => {
      const file = join(home, "events.csv.gz");
      await download({ url, file, sha256, idleMs: 200 });
      assert.deepEqual(new Uint8Array(readFileSync(file)), content);
    },
  ));

Deno.test("a download can be stopped", () =>
  withServer((_request, response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 1000));
  }, async (url, _ranges, home) => {
    const stop = new AbortController();
    const options = { url, file: join(home, "x"), sha256, signal: stop.signal };
    const onProgress = (done: number) => done > 0 && stop.abort();
    await assert.rejects(download({ ...options, onProgress }), {
      name: "DownloadError",
      message: /was stopped; it goes on when started again/,
    });
  }));

Deno.test("the electronics source is downloaded below the home", async () => {
  const packed = gzipSync("event_time\n");
  const sum = createHash("sha256").update(packed).digest("hex");
  await withServer(
    (_request, response) => void response.writeHead(200).end(packed),
    async (url, _ranges, home) => {
      const electronics = { url, sha256: sum };
      const source = await resolveSource({ home }, { data: "electronics", electronics });
      assert.equal(source.kind, "electronics");
      assert.equal(source.file, join(home, "downloads", "electronics-events.csv.gz"));
      assert.equal(source.cutoff?.toISOString(), "2021-02-01T00:00:00.000Z");
    },
  );
});
