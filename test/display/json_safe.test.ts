import assert from "node:assert/strict";
import fc from "fast-check";
import pl from "nodejs-polars";
import { jsonSafe } from "clickstream/display";

Deno.test("a BigInt is a number where that is exact, and text where it is not", () => {
  assert.deepEqual(jsonSafe({ n: 793_748n, id: 1515915625353900095n }), {
    n: 793_748,
    id: "1515915625353900095",
  });
});

Deno.test("a list with one large id is text throughout, so that it stays one axis", () => {
  assert.deepEqual(jsonSafe([5n, 1515915625353900095n]), ["5", "1515915625353900095"]);
});

Deno.test("no integer is ever rounded, and JSON takes the result", () => {
  fc.assert(fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (ids) => {
    const safe = JSON.parse(JSON.stringify(jsonSafe(ids))) as (number | string)[];
    assert.deepEqual(safe.map(BigInt), ids);
  }));
});

Deno.test("times, gaps and lists of machine numbers become what plotly reads", () => {
  assert.deepEqual(
    jsonSafe({
      x: [new Date("2021-02-01T00:00:00Z"), null, undefined],
      y: Float64Array.of(1.5, NaN, Infinity),
      name: undefined,
    }),
    { x: ["2021-02-01T00:00:00.000Z", null, null], y: [1.5, null, null] },
  );
});

Deno.test("a polars Series keeps every digit of its ids", () => {
  const series = pl.Series("id", ["1515915625353900095", null]).cast(pl.Int64);
  assert.deepEqual(jsonSafe({ x: series, y: pl.Series("n", [1.5, 2]) }), {
    x: ["1515915625353900095", null],
    y: [1.5, 2],
  });
});

Deno.test("what is no data is refused with its place", () => {
  assert.throws(
    () => jsonSafe({ data: [{ x: [1, () => 2] }] }),
    /figure\.data\[0\]\.x\[1\] is a f/,
  );
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  assert.throws(() => jsonSafe(circle), /figure\.self contains itself/);
});
