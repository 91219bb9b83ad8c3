import assert from "node:assert/strict";
import { createTable, type Lakehouse } from "clickstream/lakehouse";
import { eventSets, inferenceColumns, inferenceTable } from "clickstream/metrics";
import { mergeState, readStored } from "../../lib/streaming/gold_tables.ts";
import { KeyedState, type StateKey, type StoredKey } from "../../lib/streaming/keyed_state.ts";
import { withLake } from "../lakehouse/support.ts";

const [INT64_MIN, INT64_MAX] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Keys that are easily taken for one another, and many of one user. */
const KEYS: StateKey[] = [
  { user_id: 1n, user_session: "a", product_id: 2n },
  { user_id: 1n, user_session: "a|2", product_id: 2n },
  { user_id: 2n, user_session: "a", product_id: 2n },
  { user_id: 1n, user_session: "it's", product_id: INT64_MAX },
  { user_id: INT64_MIN, user_session: "ä", product_id: -1n },
  { user_id: INT64_MAX, user_session: "", product_id: INT64_MIN },
  ...Array.from({ length: 60 }, (_, i) => ({
    user_id: 7n,
    user_session: `s${i % 30}`,
    product_id: BigInt(1000 + i),
  })),
];

/** Writes a row of gold for every key; the nth has n events. */
async function writeGold(lake: Lakehouse, state: KeyedState): Promise<void> {
  const { set } = state;
  await createTable(lake, inferenceTable(set), { columns: inferenceColumns(set) });
  const slots = new Set<number>();
  KEYS.forEach((key, n) => {
    for (let event = 0; event <= n; event++) {
      slots.add(state.add({
        ...key,
        eventTime: 1_600_000_000_000_000 + n,
        eventType: "view",
        price: 1,
        ingestTime: 1_600_000_000_000_000,
        sequenceNumber: n,
      }));
    }
  });
  await mergeState(lake, set, state.columns([...slots]), [], 1_600_000_000_000_000);
}

for (const set of eventSets) {
  const nameOf = (key: StateKey) => JSON.stringify(set.keys.map((column) => String(key[column])));

  Deno.test(`keys of ${set.name} come back with what gold holds of them, and no others do`, async () => {
    await withLake(async (lake) => {
      const state = new KeyedState(set);
      await writeGold(lake, state);
      const unknown = { user_id: 1n, user_session: "s1", product_id: 1001n };
      for (const keys of [KEYS.slice(0, 1), KEYS.slice(0, 6), [unknown, KEYS[40]!], KEYS]) {
        const read = await readStored(lake, set, keys);
        const expected = new Map(
          keys.filter((key) => key !== unknown).map((key) => [nameOf(key), state.slotOf(key)]),
        );
        assert.deepEqual(read.map(nameOf).sort(), [...expected.keys()].sort());
        const restored = new KeyedState(set);
        for (const stored of read as StoredKey[]) {
          const row = restored.row(restored.restore(stored));
          const held = state.row(expected.get(nameOf(stored))!);
          // The product says nothing of a key that it is no part of.
          const product_id = set.keys.includes("product_id") ? held.product_id : 0n;
          assert.deepEqual(row, { ...held, product_id });
        }
      }
    });
  });
}
