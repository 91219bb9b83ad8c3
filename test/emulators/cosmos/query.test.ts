import assert from "node:assert/strict";
import fc from "fast-check";
import type { Container } from "@azure/cosmos";
import { parseQuery } from "../../../lib/emulators/cosmos/query/parser.ts";
import { planQuery } from "../../../lib/emulators/cosmos/query/plan.ts";
import { ask as raw } from "./raw.ts";
import { codeOf, withContainer } from "./support.ts";

const options = { sanitizeOps: false, sanitizeResources: false };

const products = [
  { id: "1", name: "Mouse", price: 20, tags: ["usb", "small"], stock: { here: 3 } },
  { id: "2", name: "monitor", price: 200, tags: ["hdmi"], stock: { here: 0 } },
  { id: "3", name: "Cable", price: 5, tags: ["usb"], brand: null },
  { id: "4", name: "Mat", price: 5, tags: [] },
];

/** Runs a query over the products, without a server. */
function ask(query: string, parameters: Record<string, never | number | string> = {}) {
  const plan = planQuery(parseQuery(query), new Map(Object.entries(parameters)));
  return plan.run(products);
}

const cases: [string, unknown[]][] = [
  ["select value c.name from c where c.price < 20 order by c.id", ["Cable", "Mat"]],
  ["select c.id, c.price * 2 as double from c where c.id = '1'", [{ id: "1", double: 40 }]],
  ["select value c.id from c where c.price in (20, 200) and not c.name = 'Mouse'", ["2"]],
  ["select value c.id from c where c.price between 5 and 20 order by c.price desc, c.id desc", [
    "1",
    "4",
    "3",
  ]],
  ["select value c.id from c where c.name like 'M%' order by c.id", ["1", "4"]],
  ["select value c.id from c where startswith(c.name, 'M', true) order by c.id", ["1", "2", "4"]],
  ["select distinct value c.price from c", [20, 200, 5]],
  ["select top 2 value c.id from c order by c.price", ["3", "4"]],
  ["select value c.id from c order by c.id offset 1 limit 2", ["2", "3"]],
  ["select value count(1) from c", [4]],
  [
    "select count(1) as n, sum(c.price) as s, avg(c.price) as a, min(c.name) as lo, max(c.price) as hi from c",
    [
      { n: 4, s: 230, a: 57.5, lo: "Cable", hi: 200 },
    ],
  ],
  ["select c.price, count(1) as n from c group by c.price", [
    { price: 20, n: 1 },
    { price: 200, n: 1 },
    { price: 5, n: 2 },
  ]],
  ["select c.id, t as tag from c join t in c.tags where c.id = '1'", [
    { id: "1", tag: "usb" },
    { id: "1", tag: "small" },
  ]],
  ["select value t from t in c.tags", ["usb", "small", "hdmi", "usb"]],
  ["select value c.id from c where exists(select value t from t in c.tags where t = 'hdmi')", [
    "2",
  ]],
  ["select value array(select value upper(t) from t in c.tags) from c where c.id = '1'", [[
    "USB",
    "SMALL",
  ]]],
  ["select value array_contains(c.tags, 'usb') from c where c.id = '3'", [true]],
  ["select value c.stock.here > 0 ? 'yes' : 'no' from c where is_defined(c.stock)", ["yes", "no"]],
  ["select value c.id from c where is_null(c.brand)", ["3"]],
  ["select value c.id from c where c.brand = null", ["3"]],
  ["select value (c.brand ?? 'none') from c where c.id = '4'", ["none"]],
  ["select value c['name'] from c where c.id = '1'", ["Mouse"]],
  ["select value {'n': c.name, 'all': [c.price, c.missing]} from c where c.id = '1'", [
    { n: "Mouse", all: [20] },
  ]],
  ["select value TimestampToDateTime(1610000000 * 1000) from c where c.id = '1'", [
    "2021-01-07T06:13:20.0000000Z",
  ]],
  ["select value concat(c.name, '-', tostring(c.price)) from c where c.id = '1'", ["Mouse-20"]],
  ["select value round(c.price / 3) from c where c.id = '1'", [7]],
  ["select value c.id from c where c.price > 'a'", []],
  ["select value 1 + 1", [2]],
  ["select value (c.brand ?? 'none') from c where c.id = '3'", [null]],
  ["select value c.name from c where c.name like '_o%' order by c.name", ["Mouse", "monitor"]],
  ["select value c.id from c where c.name like '[CM]a%' order by c.id", ["3", "4"]],
  ["select value c.id from c where c.name like '[^CM]%'", ["2"]],
  ["select value '50%' like '5_!%' escape '!'", [true]],
  ["select value c.id from c where c.brand != 'x'", ["3"]],
  ["select value c.id from c where not (c.brand = 'x')", ["3"]],
  ["select value c.id from c where c.brand = 'x' or c.price = 200", ["2"]],
  ["select value c.brand from c order by c.id", [null]],
  ["select c.id, c.brand from c where c.id in ('2', '3')", [{ id: "2" }, { id: "3", brand: null }]],
  ["select value c.id from c order by c.brand, c.id", ["1", "2", "4", "3"]],
  ["select value 0x1F + 1e1", [41]],
  ["select value 2 - -3", [5]],
  ["select value 1 / 0", []],
  ["select value round(-2.5)", [-3]],
  ["select value sum(c.name) from c", []],
  ["select value sum(c.price) from c where c.price > 1000", [0]],
  ["select value avg(c.price) from c where c.price > 1000", []],
  ["select value max(c.tags) from c", []],
  ["select value count(c.brand) from c", [1]],
  ["select value count(1) from c join t in c.tags", [4]],
  ["select t as tag, count(1) as n from c join t in c.tags group by t", [
    { tag: "usb", n: 2 },
    { tag: "small", n: 1 },
    { tag: "hdmi", n: 1 },
  ]],
  [
    "select upper(c.name) as name, sum(c.price) / count(1) as mean from c group by c.name, c.price",
    [
      { name: "MOUSE", mean: 20 },
      { name: "MONITOR", mean: 200 },
      { name: "CABLE", mean: 5 },
      { name: "MAT", mean: 5 },
    ],
  ],
  ["select value x from c join (select value t from t in c.tags where t != 'usb') as x", [
    "small",
    "hdmi",
  ]],
  ["select value (select value count(1) from t in c.tags) from c", [2, 1, 1, 0]],
  ["select value DateTimeDiff('day', '2021-01-01', '2021-02-01T12:00:00Z')", [31]],
  ["select value DateTimeAdd('mm', 1, '2021-01-31T00:00:00.0000000Z')", [
    "2021-02-28T00:00:00.0000000Z",
  ]],
  ["select value DateTimeToTimestamp('2021-01-01T00:00:00')", [1609459200000]],
  ["select value DateTimeBin('2021-01-08T18:35:00.0000000Z', 'hh', 6)", [
    "2021-01-08T18:00:00.0000000Z",
  ]],
  ["select value c.id from c where c.constructor = 1", []],
];

const refused: [string, RegExp][] = [
  ["select value t from c join t in c.tags order by c.id", /Order-by over correlated collections/],
  ["select * from c order by c.price + 1", /Unsupported ORDER BY clause/],
  ["select c.price, count(1) as n from c group by c.price order by c.price", /ORDER BY/],
  ["select c.name, count(1) as n from c group by c.price", /not contained in either an aggregate/],
  ["select c.name, count(1) as n from c", /not contained in either an aggregate/],
  ["select * from c group by c.price", /cannot be used with GROUP BY/],
  ["select * from c join t in c.tags", /single input set/],
  ["select value x.id from c", /Identifier 'x' could not be resolved/],
  ["select value exists(select value d from t in d.tags) from c", /Identifier 'd'/],
  ["select value @missing", /@missing/],
  ["select value nosuch(1)", /not a recognized built-in function/],
  ["select value udf.mine(1)", /Syntax error/],
  ["select top -1 * from c", /Syntax error/],
  ["select * from c where", /Syntax error/],
  ["select * from c offset 1", /Syntax error/],
  ["select 'open from c", /Syntax error/],
];

for (const [query, message] of refused) {
  Deno.test(`refused: ${query}`, () => {
    assert.throws(() => ask(query), { status: 400, message });
  });
}

Deno.test("LIKE takes no time that grows out of hand", () => {
  const text = "a".repeat(20_000);
  assert.deepEqual(ask(`select value '${text}' like '${"%a".repeat(30)}%b'`), [false]);
});

for (const [query, expected] of cases) {
  Deno.test(`query: ${query}`, () => assert.deepEqual(ask(query), expected));
}

Deno.test("parameters stand for values, in lists too", () => {
  assert.deepEqual(
    ask("select value c.id from c where c.price in (@a, @b) and c.id != @id", {
      "@a": 5,
      "@b": 20,
      "@id": "3",
    }),
    ["1", "4"],
  );
});

Deno.test("WHERE agrees with a filter in JavaScript on random comparisons", () => {
  const operators: Record<string, (a: number, b: number) => boolean> = {
    "<": (a, b) => a < b,
    ">": (a, b) => a > b,
    "<=": (a, b) => a <= b,
    ">=": (a, b) => a >= b,
    "=": (a, b) => a === b,
    "!=": (a, b) => a !== b,
  };
  fc.assert(fc.property(
    fc.array(fc.integer({ min: -5, max: 5 })),
    fc.constantFrom(...Object.keys(operators)),
    fc.integer({ min: -5, max: 5 }),
    (numbers, operator, limit) => {
      const items = numbers.map((n, i) => ({ id: String(i), n }));
      const plan = planQuery(
        parseQuery(`select value c.n from c where c.n ${operator} ${limit}`),
        new Map(),
      );
      assert.deepEqual(
        plan.run(items),
        numbers.filter((n) => operators[operator]!(n, limit)),
      );
    },
  ));
});

Deno.test("no text makes the parser fail with anything but a 400", () => {
  const words = fc.constantFrom(
    ..."select value from where c . , ( ) [ ] { } = 'a 'a' 1 @p and or not in between order by top * exists group ? :"
      .split(" "),
  );
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(words).map((w) => w.join(" "))), (text) => {
    try {
      planQuery(parseQuery(text), new Map()).run([{ id: "1" }]);
    } catch (error) {
      assert.equal((error as { status?: number }).status, 400, `${text}: ${error}`);
    }
  }));
});

async function fill(container: Container, n: number): Promise<void> {
  for (let from = 0; from < n; from += 100) {
    await container.items.bulk(
      Array.from({ length: Math.min(100, n - from) }, (_, i) => ({
        operationType: "Create" as const,
        resourceBody: { id: String(from + i), n: from + i },
      })),
    );
  }
}

Deno.test("pages hold every item once, ordered or not", options, async () => {
  await withContainer(async (container) => {
    await fill(container, 250);
    for (const query of ["select value c.n from c", "select value c.n from c order by c.n"]) {
      const pages = container.items.query<number>(query, { maxItemCount: 40 });
      const seen: number[] = [];
      while (pages.hasMoreResults()) seen.push(...(await pages.fetchNext()).resources ?? []);
      assert.deepEqual(seen, Array.from({ length: 250 }, (_, i) => i));
    }
  });
});

Deno.test("pages go on where they stopped, whatever was written meanwhile", options, async () => {
  await withContainer(async (container) => {
    await fill(container, 100);
    for (const order of ["", " order by c.n", " order by c._ts", " order by c._ts desc"]) {
      const pages = container.items.query<number>(
        `select value c.n from c where c.n < 100${order}`,
        {
          maxItemCount: 30,
        },
      );
      const seen = (await pages.fetchNext()).resources;
      await container.items.upsert({ id: "new", n: 1000 });
      await container.item("new", "new").delete();
      while (pages.hasMoreResults()) seen.push(...(await pages.fetchNext()).resources ?? []);
      assert.deepEqual(seen.sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i), order);
    }
  });
});

Deno.test("what was deleted after the first page is not in a later one", options, async () => {
  await withContainer(async (container) => {
    await fill(container, 20);
    const pages = container.items.query<number>("select value c.n from c order by c.n", {
      maxItemCount: 10,
    });
    const seen = (await pages.fetchNext()).resources;
    await container.item("15", "15").delete();
    while (pages.hasMoreResults()) seen.push(...(await pages.fetchNext()).resources ?? []);
    assert.deepEqual(seen, Array.from({ length: 20 }, (_, i) => i).filter((n) => n !== 15));
  });
});

Deno.test("TOP, OFFSET and LIMIT hold over pages", options, async () => {
  await withContainer(async (container) => {
    await fill(container, 100);
    const all = Array.from({ length: 100 }, (_, i) => i);
    const cases: [string, number[]][] = [
      ["select top 45 value c.n from c", all.slice(0, 45)],
      ["select value c.n from c offset 25 limit 50", all.slice(25, 75)],
      [
        "select value c.n from c order by c.n desc offset 25 limit 50",
        all.toReversed().slice(25, 75),
      ],
      ["select distinct top 7 value c.n % 10 from c", all.slice(0, 7)],
      ["select top 0 * from c", []],
    ];
    for (const [query, expected] of cases) {
      const pages = container.items.query<number>(query, { maxItemCount: 20 });
      const seen: number[] = [];
      while (pages.hasMoreResults()) seen.push(...(await pages.fetchNext()).resources ?? []);
      assert.deepEqual(seen, expected, query);
    }
  });
});

Deno.test("a continuation is refused to another query", options, async () => {
  await withContainer(async (container, cosmos) => {
    await fill(container, 20);
    const path = "/dbs/shop/colls/items/docs";
    const headers = {
      "content-type": "application/query+json",
      "x-ms-documentdb-isquery": "true",
      "x-ms-max-item-count": "5",
    };
    const page = (query: string, continuation?: string | null) =>
      raw(cosmos, {
        path,
        method: "POST",
        body: JSON.stringify({ query }),
        headers: { ...headers, ...(continuation ? { "x-ms-continuation": continuation } : {}) },
      });
    const token = (await page("select * from c")).headers.get("x-ms-continuation");
    assert.equal((await page("select * from c", token)).status, 200);
    assert.equal((await page("select c.n from c", token)).status, 400);
    assert.equal((await page("select * from c", "nonsense")).status, 400);
  });
});

Deno.test(
  "conditions on id and key find through indexes what a look at all items finds",
  options,
  async () => {
    await withContainer(async (container) => {
      const items: { id: string; tenant: string; n: number }[] = [];
      for (let n = 0; n < 60; n++) items.push({ id: `i${n % 20}`, tenant: `t${n % 6}${n % 7}`, n });
      for (const item of items) await container.items.upsert(item);
      const stored = (await container.items.readAll<(typeof items)[number]>().fetchAll()).resources;
      const term = fc.oneof(
        fc.nat(22).map((n) => `c.id = 'i${n}'`),
        fc.array(fc.nat(22), { maxLength: 3 }).map((all) =>
          `c.id in (${all.map((n) => `'i${n}'`)})`
        ),
        fc.tuple(fc.nat(6), fc.nat(7)).map(([a, b]) => `c.tenant = 't${a}${b}'`),
        fc.nat(60).map((n) => `c.n < ${n}`),
      );
      const condition = fc.array(fc.tuple(fc.constantFrom("and", "or", "and not"), term), {
        minLength: 1,
        maxLength: 4,
      }).map((terms) =>
        terms.map(([word, text], i) => i === 0 ? text : `${word} ${text}`).join(" ")
      );
      await fc.assert(
        fc.asyncProperty(condition, async (where) => {
          const query = `select value c.n from c where ${where}`;
          const plan = planQuery(parseQuery(query), new Map());
          const { resources } = await container.items.query<number>(query).fetchAll();
          const sorted = (numbers: unknown[]) => (numbers as number[]).sort((a, b) => a - b);
          assert.deepEqual(sorted(resources), sorted(plan.run(stored)), where);
        }),
        { numRuns: 100 },
      );
    }, { partitionKey: { paths: ["/tenant"] } });
  },
);

Deno.test("databases and containers are found by queries, too", options, async () => {
  await withContainer(async (_, __, client) => {
    await client.databases.create({ id: "second" });
    const query = {
      query: "select * from d where d.id = @id",
      parameters: [{ name: "@id", value: "shop" }],
    };
    const { resources } = await client.databases.query(query).fetchAll();
    assert.deepEqual(resources.map(({ id }) => id), ["shop"]);
    const found = await client.database("shop").containers.query({
      query: "select value c.id from c",
    })
      .fetchAll();
    assert.deepEqual(found.resources, ["items"]);
  });
});

Deno.test("the newest documents by _ts, with the time the store wrote them", options, async () => {
  await withContainer(async (container) => {
    await fill(container, 5);
    const { resources } = await container.items.query(
      "select top 2 TimestampToDateTime(c._ts * 1000) as written, c.id from c order by c._ts desc",
    ).fetchAll();
    assert.equal(resources.length, 2);
    assert.match(resources[0].written, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0000000Z$/);
  });
});

Deno.test("syntax that is not understood is a 400", options, async () => {
  await withContainer(async (container) => {
    assert.equal(await codeOf(container.items.query("selec * from c").fetchAll()), 400);
    assert.equal(
      await codeOf(container.items.query("select value nosuch(c.n) from c").fetchAll()),
      400,
    );
  });
});
