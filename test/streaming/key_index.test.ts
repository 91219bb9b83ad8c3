import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyIndex } from "../../lib/streaming/key_index.ts";

const keys = fc.record({
  user_id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  user_session: fc.string({ maxLength: 8 }),
  product_id: fc.bigInt({ min: 0n, max: 3n }),
});
const steps = fc.array(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 400 });

Deno.test("an index finds what a plain map finds, through any inserts and removals", () => {
  fc.assert(fc.property(
    fc.uniqueArray(keys, { minLength: 41, maxLength: 41, selector: (key) => naiveName(key) }),
    steps,
    (pool, history) => {
      const index = new KeyIndex(true);
      index.grow(64);
      const naive = new Map<string, number>();
      const free = Array.from({ length: 64 }, (_, slot) => slot);
      for (const [number, removes] of history) {
        const key = pool[number]!;
        const name = naiveName(key);
        const held = naive.get(name);
        assert.equal(index.find(key), held ?? -1);
        if (held === undefined) {
          const slot = free.pop()!;
          index.insert(slot, key);
          naive.set(name, slot);
          assert.deepEqual(index.key(slot), { ...key });
        } else if (removes) {
          index.remove(held);
          naive.delete(name);
          free.push(held);
        }
        assert.equal(index.size, naive.size);
      }
      for (const key of pool) assert.equal(index.find(key), naive.get(naiveName(key)) ?? -1);
    },
  ));
});

Deno.test("ten thousand keys that differ in one part each are all told apart", () => {
  const index = new KeyIndex(false);
  index.grow(10_000);
  const keyOf = (i: number) => ({
    user_id: 9_007_199_254_740_992n + BigInt(i % 100),
    user_session: `s${Math.floor(i / 100)}`,
    product_id: 0n,
  });
  for (let i = 0; i < 10_000; i++) {
    assert.equal(index.find(keyOf(i)), -1);
    index.insert(i, keyOf(i));
  }
  for (let i = 0; i < 10_000; i++) assert.equal(index.find(keyOf(i)), i);
  const prints = new Set(Array.from({ length: 10_000 }, (_, i) => index.fingerprint(keyOf(i))));
  assert.equal(prints.size, 10_000);
});

Deno.test("the product counts as a part of the key only where the set is per product", () => {
  const key = { user_id: 1n, user_session: "s", product_id: 1n };
  for (const [perProduct, found] of [[true, -1], [false, 0]] as const) {
    const index = new KeyIndex(perProduct);
    index.grow(1);
    index.insert(0, key);
    assert.equal(index.find({ ...key, product_id: 2n }), found);
  }
});

function naiveName(key: { user_id: bigint; user_session: string; product_id: bigint }): string {
  return JSON.stringify([String(key.user_id), key.user_session, String(key.product_id)]);
}
