import assert from "node:assert/strict";
import fc from "fast-check";
import { BIG, send, smallStore, TOKEN, withServer } from "./support.ts";

const SECRET = 0.999;
const lookUp = smallStore([
  [{ user_id: BIG, user_session: "own", product_id: 1n }, { features: { price: SECRET } }],
]);

const wrongId = fc.oneof(
  fc.constantFrom('"1.5"', '""', '" 1"', "true", "[]", "{}", "null", "1e30", "1.5", '"0x10"'),
  fc.bigInt({ min: 2n ** 63n }).map(String),
  fc.bigInt({ max: -(2n ** 63n) - 1n }).map((id) => `"${id}"`),
  fc.constant("1515915625353900095.0"),
);
const wrongSession = fc.constantFrom("1", "[]", "{}", "true", '"\\ud800"', `"${"x".repeat(901)}"`);
const wrongTime = fc.constantFrom("1612137600000", '"yesterday"', '"2021-02-30T00:00:00Z"', "true");
const wrongNumber = fc.constantFrom('"1"', "[]", "1e999", "-1e999", '"NaN"', "{}");
const wrongText = fc.constantFrom("1", "[]", "true", '"\\udc00"', `"${"x".repeat(1001)}"`);
const wrongCell = fc.oneof(
  wrongId.map((value): [string, string] => ["user_id", value]),
  wrongId.map((value): [string, string] => ["product_id", value]),
  wrongSession.map((value): [string, string] => ["user_session", value]),
  wrongTime.map((value): [string, string] => ["event_time", value]),
  wrongNumber.map((value): [string, string] => ["cart__events", value]),
  wrongText.map((value): [string, string] => ["brand", value]),
  fc.string({ minLength: 1 }).filter((name) => !/^[a-z_]+$/.test(name))
    .map((name): [string, string] => [name, "1"]),
  fc.constantFrom<[string, string]>(
    ["__proto__", "{}"],
    ["constructor", "1"],
    ["toString", "null"],
    ["'; drop table inference_log; --", "1"],
    ["<script>alert(1)</script>", "1"],
  ),
);

/** A request that would be right but for one cell. */
const wrongRow = fc.tuple(wrongCell, fc.constantFrom("dataframe_records", "instances", "inputs"))
  .map(([[name, value], format]) => {
    const cells = { user_id: "1", user_session: '"s"', product_id: "1" };
    const row = [...Object.entries(cells).filter(([key]) => key !== name), [name, value]]
      .map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(", ");
    return `{"${format}": [{${row}}]}`;
  });

const formats = ["dataframe_split", "dataframe_records", "instances", "inputs"];
const wrongShape = fc.oneof(
  fc.constantFrom(
    "",
    "{",
    "null",
    "[]",
    '"text"',
    "{}",
    "NaN",
    '{"inputs": NaN}',
    '{"inputs": {}, "instances": []}',
    '{"dataframe_split": {"columns": ["user_id"], "data": [[1, 2]]}}',
    '{"dataframe_split": {"columns": ["user_id", "user_id"], "data": [[1, 2]]}}',
    '{"dataframe_split": {"columns": ["user_id"], "data": []}}',
    '{"inputs": {"user_id": [1, 2], "product_id": [1]}}',
    '{"inputs": {"user_id": 1, "product_id": 1}}',
    '{"inputs": {"user_id": 1, "user_session": null, "product_id": 1}, "params": {"x": 1}}',
    '{"inputs": {"price": 1}}',
    `${"[".repeat(100_000)}`,
    `{"inputs": ${"[".repeat(50_000)}${"]".repeat(50_000)}, "a": 12345678901234567890}`,
  ),
  fc.json(),
  fc.string(),
  fc.tuple(fc.constantFrom(...formats), fc.jsonValue()).map(([format, value]) =>
    JSON.stringify({ [format]: value })
  ),
  fc.tuple(fc.constantFrom(...formats, "params", "x"), fc.json()).map(([field, value]) =>
    `{"inputs": {"user_id": 1, "user_session": "s"}, "${field}": ${value}}`
  ),
);

const malformed = fc.record({
  body: fc.oneof(
    wrongShape,
    wrongRow,
    fc.uint8Array({ minLength: 1 }).map((bytes) => Uint8Array.from([...bytes, 0xff])),
  ),
  path: fc.constantFrom("/invocations", "/serving-endpoints/shop/invocations"),
});

Deno.test("A thousand malformed requests each get a 4xx with a code and a message", async () => {
  await withServer({ lookUp }, async ({ url }) => {
    const config = { served_entities: [{ entity_name: "small" }] };
    await send(`${url}/api/2.0/serving-endpoints`, "POST", { name: "shop", config });
    const check = async (
      { body, path }: { body: string | Uint8Array<ArrayBuffer>; path: string },
    ) => {
      const { status, json } = await send(url + path, "POST", body);
      assert.ok(status >= 400 && status < 500, `${status} for ${String(body).slice(0, 200)}`);
      assert.match(json.error_code, /^[A-Z_]+$/);
      assert.ok(typeof json.message === "string" && json.message.length > 10);
      assert.ok(!JSON.stringify(json).includes(String(SECRET)));
    };
    await fc.assert(fc.asyncProperty(malformed, check), { numRuns: 1000 });
    const { status } = await send(`${url}/invocations`, "POST", {
      inputs: { user_id: 1, user_session: "s", product_id: 1 },
    });
    assert.equal(status, 200);
  });
});

Deno.test("Malformed requests to the endpoint API get a 4xx", async () => {
  await withServer({}, async ({ url }) => {
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.jsonValue().map((config) => JSON.stringify({ name: "shop", config })),
    );
    const path = fc.oneof(
      fc.constant(""),
      fc.string().map((name) => `/${encodeURIComponent(name.toWellFormed())}x/config`),
      fc.constantFrom("/%ff", "/%", "/../..", "/x/y/z"),
    );
    const check = async (method: string, path: string, body: string) => {
      const { status } = await send(`${url}/api/2.0/serving-endpoints${path}`, method, body);
      assert.ok(status >= 400 && status < 500, `${status} for ${method} ${path} ${body}`);
    };
    const method = fc.constantFrom("POST", "PUT", "PATCH");
    await fc.assert(fc.asyncProperty(method, path, body, check), { numRuns: 300 });
  });
});

Deno.test("Other content types get 415, compressed bodies too", async () => {
  await withServer({}, async ({ url }) => {
    const types: Record<string, string>[] = [
      { "content-type": "text/csv" },
      { "content-type": "text/plain" },
      { "content-type": "application/x-www-form-urlencoded" },
      { "content-type": "" },
      { "content-encoding": "gzip" },
    ];
    for (const headers of types) {
      const { status, json } = await send(`${url}/invocations`, "POST", "{}", headers);
      assert.deepEqual([status, json.error_code], [415, "UNSUPPORTED_MEDIA_TYPE"]);
    }
    const { status } = await send(`${url}/invocations`, "POST", "{}", {
      "content-type": "application/json; charset=utf-8",
    });
    assert.equal(status, 400);
  });
});

Deno.test("Methods and paths that do not exist get 405 and 404", async () => {
  await withServer({}, async ({ url }) => {
    const wrong = await send(`${url}/invocations`, "GET");
    assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
    const none = await send(`${url}/nothing`, "GET");
    assert.deepEqual([none.status, none.json.error_code], [404, "ENDPOINT_NOT_FOUND"]);
  });
});

Deno.test("A body of 10 MB is refused, told or not", async () => {
  await withServer({}, async ({ url }) => {
    const megabyte = new TextEncoder().encode(" ".repeat(1024 * 1024));
    const told = await send(`${url}/invocations`, "POST", " ".repeat(10 * 1024 * 1024));
    assert.deepEqual([told.status, told.json.error_code], [413, "REQUEST_TOO_LARGE"]);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 10) controller.enqueue(megabyte);
        else controller.close();
      },
    });
    const response = await fetch(`${url}/invocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body,
    });
    assert.equal(response.status, 413);
    await response.text();
  });
});

Deno.test("More rows than the limit are refused with the limit", async () => {
  await withServer({ limits: { maxRows: 2 } }, async ({ url }) => {
    const row = { user_id: 1, user_session: "s", product_id: 1 };
    const { status, json } = await send(`${url}/invocations`, "POST", { inputs: [row, row, row] });
    assert.equal(status, 400);
    assert.match(json.message, /at most 2/);
  });
});

Deno.test("A caller beyond the rate is told when to come back; others go on", async () => {
  await withServer(
    { rate: { perSecond: 0.5, burst: 3 }, tokens: [TOKEN, "other"] },
    async ({ url }) => {
      const ask = (token: string) =>
        send(`${url}/api/2.0/serving-endpoints`, "GET", undefined, {
          authorization: `Bearer ${token}`,
        });
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await ask(TOKEN)).status);
      assert.deepEqual(statuses, [200, 200, 200, 429]);
      const limited = await ask(TOKEN);
      assert.equal(limited.json.error_code, "REQUEST_LIMIT_EXCEEDED");
      assert.equal(limited.headers.get("retry-after"), "2");
      assert.equal((await ask("other")).status, 200);
    },
  );
});

Deno.test("A body that does not arrive is given up", async () => {
  await withServer({ limits: { bodyTimeoutMs: 50 } }, async ({ port }) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const head = "POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" +
      `authorization: Bearer ${TOKEN}\r\ncontent-length: 100\r\n\r\n{"inp`;
    await connection.write(new TextEncoder().encode(head));
    const buffer = new Uint8Array(4096);
    const read = await connection.read(buffer);
    assert.match(new TextDecoder().decode(buffer.subarray(0, read ?? 0)), /^HTTP\/1.1 408 /);
    connection.close();
  });
});

Deno.test("Bytes that are not HTTP leave other callers undisturbed", async () => {
  await withServer({}, async ({ url, port }) => {
    for (const text of ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "POST /invocations HTTP/9.9\r\n\r\n"]) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode(text));
      await connection.read(new Uint8Array(1024)).catch(() => {});
      connection.close();
    }
    assert.equal((await send(`${url}/ping`, "GET")).status, 200);
  });
});
