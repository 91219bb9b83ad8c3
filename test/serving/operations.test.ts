import assert from "node:assert/strict";
import { BusyError } from "clickstream/config";
import { connectServing, ServingError } from "clickstream/serving";
import { inferenceLog, type InferenceRecord } from "../../lib/serving/inferenceLog.ts";
import type { ServingLog } from "../../lib/serving/log.ts";
import { BIG, send, smallModel, smallModels, smallStore, TOKEN, withServer } from "./support.ts";

const ROW = { user_id: BIG, user_session: "s", product_id: 1n };
const client = (url: string) => connectServing({ url, token: TOKEN });

Deno.test("Every scored row reaches the inference log, with keys, inputs, model and request id", async () => {
  const written: InferenceRecord[] = [];
  const log = inferenceLog({
    flushMs: 0,
    write: (records) => Promise.resolve(void written.push(...records)),
  });
  const lookUp = smallStore([[ROW, { features: { cart__events: 2 } }]]);
  await withServer({ inferenceLog: log, lookUp }, async ({ url }) => {
    await send(`${url}/invocations`, "POST", {
      inputs: { user_id: [String(BIG), "2"], user_session: ["s", null], product_id: ["1", "1"] },
    }, { "x-request-id": "one" });
    assert.equal(written.length, 0);
  });
  assert.deepEqual(log.status(), { queued: 0, written: 2, dropped: 0 });
  assert.deepEqual(written.map(({ requestId, row }) => [requestId, row]), [["one", 0], ["one", 1]]);
  assert.deepEqual(written[0]!.scored.keys, ROW);
  assert.equal(written[0]!.scored.inputs["cart__events"], 2);
  assert.deepEqual(written[1]!.scored.defaults, ["cart", "product_attributes"]);
  assert.deepEqual(written[0]!.model, { name: "small", version: 1 });
});

Deno.test("A log that cannot be written loses the oldest rows, blocks nobody, and catches up", async () => {
  let broken = true;
  const written: string[] = [];
  const log = inferenceLog({
    flushMs: 0,
    maxQueued: 3,
    write: (records) =>
      broken
        ? Promise.reject(new Error("disk full"))
        : Promise.resolve(void written.push(...records.map(({ requestId }) => requestId))),
  });
  await withServer({ inferenceLog: log }, async ({ url }) => {
    for (const id of ["a", "b", "c", "d", "e"]) {
      const inputs = { user_id: 1, user_session: "s", product_id: 1 };
      const { status } = await send(`${url}/invocations`, "POST", { inputs }, {
        "x-request-id": id,
      });
      assert.equal(status, 200);
    }
    await assert.rejects(log.flush(), /disk full/);
    broken = false;
  });
  assert.deepEqual(written, ["c", "d", "e"]);
  assert.deepEqual(log.status(), { queued: 0, written: 3, dropped: 2 });
});

Deno.test("Closing lets running requests end and then refuses new ones", async () => {
  const scoring = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const models = {
    ...smallModels({ small: 1 }),
    load: (name: string, version: number) => {
      const model = smallModel(name, version);
      return Promise.resolve({
        ...model,
        score: async (rows: Record<string, unknown>[]) => {
          entered.resolve();
          await scoring.promise;
          return await model.score(rows);
        },
      });
    },
  };
  let running: Promise<unknown> | undefined;
  let url = "";
  const closed = withServer({ models }, async (server) => {
    url = server.url;
    running = client(url).score(null, [ROW]);
    await entered.promise;
  });
  scoring.resolve();
  await closed;
  assert.equal((await running as { predictions: unknown[] }).predictions.length, 1);
  await assert.rejects(
    client(url).score(null, [ROW]),
    (error: unknown) => error instanceof ServingError && error.code === "UNREACHABLE",
  );
});

Deno.test("A caller that never finishes its request does not keep the server from closing", async () => {
  const connections: Deno.TcpConn[] = [];
  await withServer({ closeMs: 50 }, async ({ port }) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connections.push(connection);
    await connection.write(new TextEncoder().encode("GET /ping HTTP/1.1\r\nhost: x\r\n\r\n"));
    await connection.read(new Uint8Array(1024));
    const head = "POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" +
      `authorization: Bearer ${TOKEN}\r\ncontent-length: 100\r\n\r\n{"inp`;
    await connection.write(new TextEncoder().encode(head));
  });
  connections.forEach((connection) => connection.close());
});

Deno.test("A port in use is a BusyError that says what to do", async () => {
  await withServer({}, async ({ port }) => {
    await assert.rejects(
      withServer({ port }, () => Promise.resolve()),
      (error: unknown) => error instanceof BusyError && /SERVING_PORT/.test(error.message),
    );
  });
});

Deno.test("A request that takes too long is answered 504", async () => {
  const models = {
    ...smallModels({ small: 1 }),
    load: (name: string, version: number) =>
      Promise.resolve({
        ...smallModel(name, version),
        score: () => new Promise<number[]>(() => {}),
      }),
  };
  await withServer({ models, limits: { requestTimeoutMs: 20 } }, async ({ url }) => {
    const { status, json } = await send(`${url}/invocations`, "POST", {
      inputs: { user_id: 1, user_session: "s", product_id: 1 },
    });
    assert.deepEqual([status, json.error_code], [504, "DEADLINE_EXCEEDED"]);
  });
});

Deno.test("A failing model is a 500 without inner details, which go to the log", async () => {
  const lines: unknown[] = [];
  const write = (fields: unknown) => lines.push(fields);
  const log: ServingLog = { info: write, warn: write, error: write };
  const models = {
    ...smallModels({ small: 1 }),
    load: (name: string, version: number) =>
      Promise.resolve({
        ...smallModel(name, version),
        score: () => Promise.reject(new Error("inner detail")),
      }),
  };
  await withServer({ models, log }, async ({ url }) => {
    const { status, json } = await send(`${url}/invocations`, "POST", {
      inputs: { user_id: 1, user_session: "s", product_id: 1 },
    });
    assert.equal(status, 500);
    assert.doesNotMatch(json.message, /inner/);
  });
  assert.match(lines.map((line) => String((line as { err?: Error }).err)).join(), /inner detail/);
});

Deno.test("Metrics count requests, rows and look-ups for Prometheus", async () => {
  await withServer({}, async ({ url }) => {
    await client(url).score(null, [ROW, ROW]);
    await send(`${url}/invocations`, "POST", "{");
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const text = await response.text();
    assert.match(response.headers.get("content-type")!, /^text\/plain/);
    const line = (pattern: RegExp) => assert.match(text, pattern);
    line(/requests_total\{route="\/invocations",method="POST",status="200"\} 1/);
    line(/requests_total\{route="\/invocations",method="POST",status="400"\} 1/);
    line(/rows_total\{endpoint="",outcome="scored"\} 2/);
    line(/cache_rows_total\{result="miss"\} 1/);
    line(/model_version\{endpoint=""\} 1/);
    line(/look_up_seconds_bucket\{le="0.003"\} \d/);
  });
});

Deno.test("The log is JSON lines with a request id each, and never a token or an id of a user", async () => {
  const script = `
    import { startServing } from "clickstream/serving";
    import { servingLog } from "${new URL("../../lib/serving/log.ts", import.meta.url)}";
    import { smallModels, send } from "${new URL("./support.ts", import.meta.url)}";
    const server = await startServing({
      models: smallModels({ small: 1 }), tokens: ["test-token"],
      standard: { name: "small", version: "production" }, log: servingLog(),
      lookUp: ([key]) => Promise.reject(new Error("cannot read " + key.user_id, {
        cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) })),
    });
    await send(server.url + "/invocations?token=in-query", "POST", {
      inputs: { user_id: "4242424242", user_session: "secret-session", product_id: 1 },
    });
    await send(server.url + "/nothing", "GET", undefined, { authorization: "Bearer wrong-token" });
    await server.close();`;
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    cwd: new URL("../../", import.meta.url),
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(success, new TextDecoder().decode(stderr));
  const lines = text.trim().split("\n").map((line) => JSON.parse(line));
  const requests = lines.filter((line) => line.msg === "request");
  assert.deepEqual(requests.map((line) => line.status), [200, 401]);
  assert.ok(requests.every((line) => typeof line.request_id === "string"));
  assert.equal(lines.find((line) => line.level === 40).error, "ECONNREFUSED");
  assert.doesNotMatch(text, /test-token|wrong-token|in-query|4242424242|secret-session/);
});
