import assert from "node:assert/strict";
import fc from "fast-check";
import {
  appendTo,
  checkpoint,
  closeLakehouse,
  createTable,
  deleteFrom,
  type Lakehouse,
  mergeInto,
  openLakehouse,
  optimize,
  records,
  snapshot,
  tableAt,
  updateTable,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

type Row = { id: number; name: string | null };
const id = fc.integer({ min: 0, max: 12 });
const ids = fc.uniqueArray(id, { maxLength: 6 });
const name = fc.option(fc.constantFrom("a", "b", "ü\u{1F6D2}", ""), { nil: null });
const operation = fc.oneof(
  fc.record({ kind: fc.constant("append" as const), ids, name }),
  fc.record({ kind: fc.constant("merge" as const), ids, name }),
  fc.record({ kind: fc.constant("delete" as const), from: id, to: id }),
  fc.record({ kind: fc.constant("update" as const), from: id, name }),
  fc.record({ kind: fc.constant("optimize" as const), sort: fc.boolean() }),
  fc.record({ kind: fc.constant("checkpoint" as const) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** What an operation does, over an array: the reference. */
function expected(before: readonly Row[], operation: Operation): Row[] {
  switch (operation.kind) {
    case "append":
      return [...before, ...operation.ids.map((id) => ({ id, name: operation.name }))];
    case "merge": {
      const kept = before.map((row) =>
        operation.ids.includes(row.id) ? { ...row, name: operation.name } : row
      );
      const fresh = operation.ids.filter((id) => !before.some((row) => row.id === id));
      return [...kept, ...fresh.map((id) => ({ id, name: operation.name }))];
    }
    case "delete":
      return before.filter((row) => row.id < operation.from || row.id > operation.to);
    case "update":
      return before.map((row) => row.id > operation.from ? { ...row, name: operation.name } : row);
    default:
      return [...before];
  }
}

async function perform(lake: Lakehouse, operation: Operation): Promise<void> {
  switch (operation.kind) {
    case "append":
      return void await appendTo(lake, "t", rows(operation.ids, operation.name));
    case "merge":
      return void await mergeInto(lake, "t", rows(operation.ids, operation.name), {
        keys: ["id"],
      });
    case "delete":
      return void await deleteFrom(lake, "t", `id between ${operation.from} and ${operation.to}`);
    case "update": {
      const value = operation.name === null ? "null" : `'${operation.name}'`;
      const set = { name: value };
      return void await updateTable(lake, "t", { set, where: `id > ${operation.from}` });
    }
    case "optimize":
      return void await optimize(lake, "t", operation.sort ? { sortBy: ["id"] } : {});
    case "checkpoint":
      return void await checkpoint(lake, "t");
  }
}

function sorted(rows: readonly Row[]): string[] {
  return rows.map(({ id, name }) => JSON.stringify([id, name])).sort();
}

async function shown(lake: Lakehouse, relation: string): Promise<string[]> {
  const found = await records(lake, `select id::int as id, name from ${relation}`);
  return sorted(found as unknown as Row[]);
}

Deno.test("after any operations the rows are those of the same operations over an array, at every version", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 8 }), async (operations) => {
      await withLake(async (lake, root) => {
        await createTable(lake, "t", { columns });
        const versions = new Map<number, string[]>();
        let model: Row[] = [];
        for (const operation of operations) {
          model = expected(model, operation);
          await perform(lake, operation);
          assert.deepEqual(await shown(lake, "t"), sorted(model));
          versions.set((await snapshot(lake, "t")).version, sorted(model));
        }
        const other = await openLakehouse(root, { threads: 1 });
        for (const [version, rows] of versions) {
          assert.deepEqual(await shown(other, await tableAt(other, "t", { version })), rows);
        }
        await closeLakehouse(other);
      });
    }),
    { numRuns: 15 },
  );
});

Deno.test("a condition finds the same rows with statistics to skip by as over all rows", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", {
      columns: [
        { name: "id", type: "long" },
        { name: "name", type: "string" },
        { name: "price", type: "double" },
        { name: "day", type: "date" },
        { name: "moment", type: "timestamp" },
        { name: "part", type: "integer" },
      ],
      partitionBy: ["part"],
    });
    const row = (i: number) =>
      `(${9_007_199_254_740_990n + BigInt(i)}, ${i % 5 ? `'n${i}é'` : "null"}, ${
        i % 7 ? `${i / 4}::double` : "'nan'::double"
      }, date '2020-01-01' + ${i}, timestamp '2020-01-01' + interval ${i} second, ${
        i % 3 || "null"
      })`;
    const names = "v(id, name, price, day, moment, part)";
    const all = Array.from({ length: 24 }, (_, i) => row(i));
    for (let i = 0; i < 24; i += 3) {
      const values = all.slice(i, i + 3).join(", ");
      await appendTo(lake, "t", { sql: `select * from (values ${values}) ${names}` });
    }
    const literal = fc.oneof(
      fc.integer({ min: 0, max: 25 }).chain((i) =>
        fc.constantFrom(
          `id = ${9_007_199_254_740_990n + BigInt(i)}`,
          `${9_007_199_254_740_990n + BigInt(i)} < id`,
          `name >= 'n${i}'`,
          `name in ('n${i}é', 'x')`,
          `price > ${i / 4}`,
          `price <= ${i}`,
          `day between '2020-01-0${1 + i % 9}' and date '2020-01-10'`,
          `moment < timestamp '2020-01-01 00:00:${String(i).padStart(2, "0")}.5'`,
          `part = ${i % 3}`,
          `part is null`,
          `name is not null`,
          `not (id > ${9_007_199_254_740_990n + BigInt(i)})`,
        )
      ),
    );
    const condition = fc.array(fc.tuple(literal, fc.constantFrom("and", "or")), {
      minLength: 1,
      maxLength: 3,
    }).map((parts) => parts.map(([text, word], i) => i ? `${word} ${text}` : text).join(" "));
    await fc.assert(
      fc.asyncProperty(condition, async (where) => {
        const plain = `(select id, name, price::double as price, day, moment, part
          from (values ${all.join(", ")}) ${names})`;
        const select = (from: string) => `select id from ${from} where ${where} order by id`;
        assert.deepEqual(
          await records(lake, select("t")),
          await records(lake, select(plain)),
          where,
        );
      }),
      { numRuns: 60 },
    );
  });
});
