import assert from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import pl from "nodejs-polars";
import {
  cartShare,
  cartShareSql,
  ModelError,
  partOfGroups,
  splitByCart,
  splitByTime,
} from "clickstream/model";
import { makeRows } from "./rows.ts";

Deno.test("no cart is in two parts, no row is lost, and shares are about 80, 10 and 10", async () => {
  const { frame } = makeRows(20_000, 1);
  const split = await splitByCart(frame, { seed: 5 });
  const keys = (part: pl.DataFrame) =>
    new Set(
      part.select(
        pl.concatString([pl.col("user_id").cast(pl.Utf8), pl.col("user_session")], "|")
          .alias("k"),
      ).getColumn("k").toArray(),
    );
  const [train, validation, test] = [split.train, split.validation, split.test].map(keys);
  assert.ok(train!.isDisjointFrom(validation!) && train!.isDisjointFrom(test!));
  assert.ok(validation!.isDisjointFrom(test!));
  assert.equal(split.train.height + split.validation.height + split.test.height, 20_000);
  assert.deepEqual(split.train.columns, frame.columns);
  assert.deepEqual(
    [train!.size, validation!.size, test!.size],
    [split.carts.train, split.carts.validation, split.carts.test],
  );
  const carts = split.carts.train + split.carts.validation + split.carts.test;
  assert.ok(Math.abs(split.carts.train / carts - 0.8) < 0.02);
});

Deno.test("the part of a cart is the same in JavaScript and in SQL", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const user = 1515915625353900095n;
    for (const [id, session] of [[user, "a b"], [user + 1n, "LJuJVLEjPT"], [7n, null]] as const) {
      const reader = await connection.runAndReadAll(
        `SELECT ${cartShareSql(3)} AS share FROM (SELECT $1::BIGINT AS user_id,` +
          ` $2::VARCHAR AS user_session)`,
        [id, session],
      );
      assert.equal(reader.getRowObjects()[0]!.share, cartShare(3, `${id}|${session ?? ""}`));
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});

Deno.test("the part of a cart follows from seed and key alone", () => {
  fc.assert(fc.property(fc.array(fc.string(), { minLength: 1 }), fc.integer(), (keys, seed) => {
    const parts = partOfGroups(keys, { seed });
    const reversed = partOfGroups([...keys].reverse(), { seed });
    assert.deepEqual([...parts], [...reversed].reverse());
  }));
});

Deno.test("by time, a cart belongs where it starts and a straddling cart is left out", async () => {
  const at = (hour: number) => Date.UTC(2021, 0, 1, hour) * 1000;
  const frame = pl.DataFrame({
    user_id: [1, 1, 2, 2, 3],
    user_session: ["a", "a", "b", "b", null],
    event_time: pl.Series("event_time", [at(1), at(2), at(2), at(4), at(3)], pl.Float64)
      .cast(pl.Int64).cast(pl.Datetime("us")),
  });
  const split = await splitByTime(frame, { boundary: new Date(Date.UTC(2021, 0, 1, 3)) });
  assert.deepEqual(split.carts, { earlier: 1, later: 1, straddling: 1 });
  assert.equal(split.leftOut, 2);
  assert.deepEqual(split.earlier.getColumn("user_id").toArray(), [1, 1]);
  assert.deepEqual(split.later.getColumn("user_id").toArray(), [3]);
});

Deno.test("a missing key column and shares that do not add up are named", async () => {
  const frame = pl.DataFrame({ user_id: [1], user_session: ["a"] });
  await assert.rejects(splitByCart(frame, { keys: ["cart"] }), /no key column cart/);
  await assert.rejects(splitByCart(frame, { shares: [0.8, 0.1, 0.2] }), ModelError);
});
