import assert from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import {
  attributesDocument,
  documentAttributes,
  type ProductAttributes,
  replaces,
  replacesSql,
} from "../../lib/streaming/product_attributes.ts";

const attributes: fc.Arbitrary<ProductAttributes> = fc.record({
  product_id: fc.constant(1n),
  category_id: fc.constantFrom(null, 1n, 9_007_199_254_740_993n),
  category_code: fc.constantFrom(null, "a", "a.b"),
  brand: fc.constantFrom(null, "acer", "o'neill"),
  price: fc.constantFrom(null, 0, 9.5),
  eventTime: fc.constantFrom(1_612_137_600_000_000, 1_612_137_600_000_001),
});

function values(a: ProductAttributes): string {
  const text = (value: string | null) =>
    value === null ? "null::varchar" : `'${value.replaceAll("'", "''")}'`;
  return `select ${a.eventTime} as event_time, ${a.price ?? "null"}::double as price,
    ${a.category_id ?? "null"}::bigint as category_id, ${text(a.category_code)} as category_code,
    ${text(a.brand)} as brand`;
}

Deno.test("which of two attributes replaces the other is the same in the query, gold and a document", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const property = fc.asyncProperty(attributes, attributes, async (candidate, held) => {
    const expected = replaces(candidate, held);
    const result = await connection.runAndReadAll(
      `select coalesce(${replacesSql("c", "h")}, false)
       from (${values(candidate)}) as c, (${values(held)}) as h`,
    );
    assert.equal(result.getRows()[0]![0], expected);
    assert.equal(replaces(candidate, documentAttributes(attributesDocument(held))), expected);
  });
  await fc.assert(property);
  connection.closeSync();
  instance.closeSync();
});
