import assert from "node:assert/strict";
import fc from "fast-check";
import { ask } from "./raw.ts";
import { join } from "node:path";
import { startCosmos } from "../../../lib/emulators/cosmos/mod.ts";
import { withHome } from "../../support.ts";
import { codeOf, withContainer } from "./support.ts";

const options = { sanitizeOps: false, sanitizeResources: false };
const DOCS = "/dbs/shop/colls/items/docs";
const QUERY = {
  "x-ms-documentdb-isquery": "true",
  "content-type": "application/query+json",
  "x-ms-documentdb-query-enablecrosspartition": "true",
};

Deno.test(
  "an answer carries what SDKs read: ETag, session token, charge, and no compression",
  options,
  async () => {
    await withContainer(async (container, cosmos) => {
      const { etag } = await container.items.create({ id: "a", text: "x".repeat(2000) });
      const { status, headers, body } = await ask(cosmos, {
        path: `${DOCS}/a`,
        headers: { "x-ms-documentdb-partitionkey": '["a"]', "accept-encoding": "gzip" },
      });
      assert.equal(status, 200);
      assert.equal(headers.get("etag"), etag);
      assert.equal(body._etag, etag);
      assert.match(headers.get("x-ms-session-token")!, /^0:-1#\d+$/);
      assert.equal(Number(headers.get("x-ms-request-charge")) > 0, true);
      assert.equal(headers.get("content-encoding"), null);
    });
  },
);

Deno.test(
  "errors have the service's status, code and a message that lists errors",
  options,
  async () => {
    await withContainer(async (container, cosmos) => {
      await container.items.create({ id: "a" });
      const key = { "x-ms-documentdb-partitionkey": '["a"]' };
      const cases: [number, string, Parameters<typeof ask>[1]][] = [
        [404, "NotFound", { path: "/dbs/none" }],
        [404, "NotFound", {
          path: `${DOCS}/none`,
          headers: { "x-ms-documentdb-partitionkey": '["none"]' },
        }],
        [400, "BadRequest", { path: `${DOCS}/a` }],
        [400, "BadRequest", {
          path: `${DOCS}/a`,
          headers: { "x-ms-documentdb-partitionkey": "[1" },
        }],
        [409, "Conflict", { path: DOCS, method: "POST", headers: key, body: '{"id":"a"}' }],
        [400, "BadRequest", { path: DOCS, method: "POST", headers: key, body: '{"id":' }],
        [400, "BadRequest", { path: DOCS, method: "POST", headers: key, body: '{"id":"b"}' }],
        [400, "BadRequest", {
          path: DOCS,
          method: "POST",
          headers: key,
          body: '{"id":"a","n":1e999}',
        }],
        [412, "PreconditionFailed", {
          path: `${DOCS}/a`,
          method: "DELETE",
          headers: { ...key, "if-match": '"x"' },
        }],
        [405, "MethodNotAllowed", { path: `${DOCS}/a`, method: "POST", headers: key }],
        [401, "Unauthorized", {
          path: `${DOCS}/a`,
          headers: { ...key, authorization: "nonsense" },
        }],
        [401, "Unauthorized", { path: `${DOCS}/a`, key: btoa("wrong"), headers: key }],
        [403, "Forbidden", { path: "/dbs/shop", at: Date.now() - 3_600_000 }],
        [400, "BadRequest", { path: "/dbs/shop/colls/items/sprocs" }],
        [400, "BadRequest", { path: "/dbs/%ff", link: "dbs/x" }],
      ];
      for (const [status, code, request] of cases) {
        const answer = await ask(cosmos, request);
        assert.equal(answer.status, status, JSON.stringify([request, answer.body]));
        assert.equal(answer.body.code, code);
        assert.equal(typeof answer.body.message, "string");
      }
    });
  },
);

Deno.test("a read-only key cannot make a database called query", options, async () => {
  await withContainer(async (_, cosmos) => {
    const { status } = await ask(cosmos, {
      path: "/dbs",
      method: "POST",
      key: cosmos.readKey,
      body: '{"id":"query"}',
    });
    assert.equal(status, 401);
    const made = await ask(cosmos, { path: "/dbs", method: "POST", body: '{"id":"query"}' });
    assert.equal(made.status, 201);
  });
});

Deno.test(
  "bodies that are too large are a 413, announced or not, and others are served on",
  options,
  async () => {
    await withContainer(async (container, cosmos) => {
      const key = { "x-ms-documentdb-partitionkey": '["big"]' };
      const text = (bytes: number) => JSON.stringify({ id: "big", text: "x".repeat(bytes) });
      const post = (body: BodyInit) =>
        ask(cosmos, { path: DOCS, method: "POST", headers: key, body });
      assert.equal((await post(text(2 * 1024 * 1024))).status, 413);
      assert.equal((await post(text(2 * 1024 * 1024 - 100))).status, 201);
      assert.equal(await statusOrCut(post(text(17 * 1024 * 1024))), 413);
      const stream = new Blob([text(17 * 1024 * 1024)]).stream();
      assert.equal(await statusOrCut(post(stream)), 413);
      assert.equal((await post(new Blob([JSON.stringify({ id: "big" })]).stream())).status, 409);
      assert.equal((await container.item("big", "big").read()).statusCode, 200);
    });
  },
);

Deno.test(
  "items nested deeper than the service takes, and no UTF-8, are a 400",
  options,
  async () => {
    await withContainer(async (_, cosmos) => {
      const headers = { "x-ms-documentdb-partitionkey": '["a"]' };
      const deep = `{"id":"a","deep":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
      for (const body of [deep, new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])]) {
        assert.equal(
          (await ask(cosmos, { path: DOCS, method: "POST", headers, body })).status,
          400,
        );
      }
    });
  },
);

Deno.test(
  "a query as deep or as long as can be is a 400 and not the end of the server",
  options,
  async () => {
    await withContainer(async (container, cosmos) => {
      await container.items.create({ id: "a" });
      for (
        const condition of [
          "(".repeat(50_000),
          "-".repeat(50_000) + "1",
          "not ".repeat(50_000) + "true",
          Array(50_000).fill("c.id = 'a'").join(" and "),
          "c" + "[0".repeat(50_000),
        ]
      ) {
        const body = JSON.stringify({ query: `select * from c where ${condition}` });
        const { status } = await ask(cosmos, { path: DOCS, method: "POST", headers: QUERY, body });
        assert.equal(status, 400, condition.slice(0, 20));
      }
    });
  },
);

Deno.test(
  "no method, path, header or body gets an answer that is no JSON, or a 500",
  options,
  async () => {
    await withContainer(async (_, cosmos) => {
      const piece = fc.constantFrom(
        "dbs",
        "shop",
        "colls",
        "items",
        "docs",
        "a",
        "%20",
        "pkranges",
        "offers",
        "x",
      );
      const header = fc.dictionary(
        fc.constantFrom(
          "x-ms-documentdb-partitionkey",
          "x-ms-continuation",
          "x-ms-max-item-count",
          "x-ms-documentdb-isquery",
          "x-ms-cosmos-is-batch-request",
          "x-ms-cosmos-batch-atomic",
          "x-ms-documentdb-is-upsert",
          "x-ms-start-epk",
          "if-match",
        ),
        fc.constantFrom("true", '["a"]', "[]", "{}", "[[1]]", "-1", "zz", '"', "eyJyb3ciOjF9"),
      );
      const body = fc.oneof(
        fc.json(),
        fc.string(),
        fc.constant('{"query":"select * from c"}'),
        fc.constant('[{"operationType":"Upsert","resourceBody":{"id":"a"}}]'),
        fc.constant('{"operations":[{"op":"set","path":"/__proto__","value":1}]}'),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE"),
          fc.array(piece, { maxLength: 7 }),
          header,
          body,
          async (method, pieces, headers, text) => {
            if (method === "DELETE" && pieces.length < 6) return;
            const path = "/" + pieces.join("/");
            const answer = await ask(cosmos, {
              method,
              path,
              headers,
              ...(method === "GET" ? {} : { body: text }),
            });
            assert.notEqual(answer.status, 500, `${method} ${path} ${JSON.stringify(answer.body)}`);
            if (answer.status >= 400) assert.equal(typeof answer.body.code, "string");
          },
        ),
        { numRuns: 300 },
      );
    });
  },
);

Deno.test("bytes that are no HTTP end their own connection only", options, async () => {
  await withContainer(async (container, cosmos) => {
    const half = await Deno.connect({ hostname: "127.0.0.1", port: cosmos.port });
    await half.write(
      new TextEncoder().encode("POST /dbs HTTP/1.1\r\ncontent-length: 100\r\n\r\n{"),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port: cosmos.port });
        try {
          await connection.write(bytes);
        } catch {
          // cut while writing: that is an answer, too
        }
        connection.close();
      }),
      { numRuns: 100 },
    );
    assert.equal((await container.items.create({ id: "still here" })).statusCode, 201);
    half.close();
  });
});

Deno.test("a request that never ends does not keep the server from closing", options, async () => {
  await withHome(async (home) => {
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const half = await Deno.connect({ hostname: "127.0.0.1", port: cosmos.port });
    await half.write(
      new TextEncoder().encode("POST /dbs HTTP/1.1\r\ncontent-length: 100\r\n\r\n{"),
    );
    await fetch(cosmos.endpoint).then((answer) => answer.body?.cancel());
    await cosmos.close();
    half.close();
  });
});

Deno.test(
  "a container dropped while a query looks through it ends the query with a 404",
  options,
  async () => {
    await withContainer(async (container) => {
      const text = "x".repeat(1000);
      for (let n = 0; n < 6000; n += 1000) {
        await Promise.all(
          Array.from(
            { length: 10 },
            (_, i) =>
              container.items.bulk(Array.from({ length: 100 }, (_, j) => ({
                operationType: "Create" as const,
                resourceBody: { id: String(n + i * 100 + j), text },
              }))),
          ),
        );
      }
      const query = codeOf(
        container.items.query("select top 1 * from c order by c.text").fetchAll(),
      );
      await container.delete();
      assert.equal([404, undefined].includes(await query as number), true);
    });
  },
);

/** Status of an answer; a server may also cut a connection that goes on sending after its answer. */
async function statusOrCut(call: Promise<{ status: number }>): Promise<number> {
  try {
    return (await call).status;
  } catch {
    return 413;
  }
}
