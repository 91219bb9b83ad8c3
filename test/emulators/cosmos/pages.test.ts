import assert from "node:assert/strict";
import type { Container } from "@azure/cosmos";
import fc from "fast-check";
import { withContainer } from "./support.ts";

const options = { sanitizeOps: false, sanitizeResources: false };

interface Item {
  id: string;
  tenant: string;
  kind?: string | null;
  n?: number | string;
}

/** What is asked, in the words of a query and as JavaScript would answer it. */
interface Question {
  query: string;
  answer(items: Item[]): unknown[];
}

/** Items with values of several types, and without. */
const items = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 0, max: 999 }).map(String),
    tenant: fc.constantFrom("t1", "t2", "t3", "t4", "t5"),
    kind: fc.option(fc.constantFrom("a", "b", "c"), { freq: 5 }),
    n: fc.oneof({ weight: 5, arbitrary: fc.nat(9) }, fc.constantFrom("one", "two")),
  }, { requiredKeys: ["id", "tenant"] }),
  { minLength: 1, maxLength: 60, selector: ({ id }) => id },
);

const orders = fc.uniqueArray(
  fc.record({ name: fc.constantFrom("n" as const, "kind" as const), down: fc.boolean() }),
  { maxLength: 2, selector: ({ name }) => name },
).map((terms) => [...terms, { name: "id" as const, down: false }]);

const cut = fc.option(fc.tuple(fc.nat(70), fc.nat(30)), { nil: undefined });

const questions: fc.Arbitrary<Question> = fc.oneof(
  fc.tuple(orders, cut).map(([terms, range]): Question => ({
    query: `select value c.id from c order by ${
      terms.map(({ name, down }) => `c.${name}${down ? " desc" : ""}`).join(", ")
    }${range === undefined ? "" : ` offset ${range[0]} limit ${range[1]}`}`,
    answer: (all) => {
      const sorted = all.toSorted((a, b) =>
        terms.reduce((so, { name, down }) => so || compare(a[name], b[name]) * (down ? -1 : 1), 0)
      ).map(({ id }) => id);
      return range === undefined ? sorted : sorted.slice(range[0], range[0] + range[1]);
    },
  })),
  fc.nat(40).map((top): Question => ({
    query: `select top ${top} value c.id from c where is_number(c.n) order by c.id desc`,
    answer: (all) =>
      all.filter(({ n }) => typeof n === "number").map(({ id }) => id).sort().reverse()
        .slice(0, top),
  })),
  fc.constant<Question>({
    query: "select distinct value c.kind from c order by c.kind",
    answer: (all) =>
      [...new Set(all.map(({ kind }) => kind))].filter((kind) => kind !== undefined)
        .sort(compare),
  }),
  fc.constant<Question>({
    query: "select c.tenant, count(1) as items, max(c.id) as last from c group by c.tenant",
    answer: (all) =>
      [...Map.groupBy(all, ({ tenant }) => tenant)].map(([tenant, own]) => ({
        tenant,
        items: own.length,
        last: own.map(({ id }) => id).sort().at(-1),
      })).sort((a, b) => compare(a.tenant, b.tenant)),
  }),
);

Deno.test(
  "a query's pages hold, over all partitions or one, what JavaScript would answer",
  options,
  async () => {
    await withContainer(async (container, _, client) => {
      let number = 0;
      const filled = items.map((all) => ({ all, name: `c${number++}` }));
      await fc.assert(
        fc.asyncProperty(
          filled,
          fc.array(questions, { minLength: 4, maxLength: 6 }),
          fc.integer({
            min: 1,
            max: 25,
          }),
          async ({ all, name }, asked, maxItemCount) => {
            const { container: one } = await container.database.containers
              .createIfNotExists({ id: name, partitionKey: { paths: ["/tenant"] } });
            for (const item of all) await one.items.upsert(item);
            for (const { query, answer } of asked) {
              const grouped = query.includes("group by");
              const found = await pagesOf(one, query, { maxItemCount });
              assert.deepEqual(grouped ? byTenant(found) : found, answer(all), query);
              const own = await pagesOf(one, query, { maxItemCount, partitionKey: "t1" });
              assert.deepEqual(own, answer(all.filter(({ tenant }) => tenant === "t1")), query);
            }
            await one.delete();
          },
        ),
        { numRuns: 15 },
      );
      client.dispose();
    });
  },
);

/** All results, page by page; a page holds no more than was asked for. */
async function pagesOf(
  container: Container,
  query: string,
  asked: { maxItemCount: number; partitionKey?: string },
): Promise<unknown[]> {
  const pages = container.items.query<unknown>(query, asked);
  const found: unknown[] = [];
  while (pages.hasMoreResults()) {
    const { resources } = await pages.fetchNext();
    assert.ok((resources?.length ?? 0) <= asked.maxItemCount, `${resources?.length} in a page`);
    found.push(...resources ?? []);
  }
  return found;
}

function byTenant(groups: unknown[]): unknown[] {
  return (groups as { tenant: string }[]).toSorted((a, b) => compare(a.tenant, b.tenant));
}

/** The service's order: nothing, null, numbers, texts. */
function compare(a: unknown, b: unknown): number {
  const rank = (value: unknown) =>
    value === undefined ? 0 : value === null ? 1 : typeof value === "number" ? 2 : 3;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a === b || rank(a) < 2) return 0;
  return (a as number) < (b as number) ? -1 : 1;
}
