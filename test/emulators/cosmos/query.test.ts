import assert from "node:assert/strict";
import fc from "fast-check";
import type { Container } from "@azure/cosmos";
import { parseQuery } from "../../../lib/emulators/cosmos/query/parser.ts";
import { planQuery } from "../../../lib/emulators/cosmos/query/plan.ts";
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
];

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
