import assert from "node:assert/strict";
import fc from "fast-check";
import {
  containerOf,
  documentId,
  lookUpFeatures,
  type LookUpKeys,
  lookUpSets,
  type OnlineStore,
  overwriteDocuments,
} from "clickstream/online";
import { withStore } from "./support.ts";

// The SDK keeps timers and sockets of its own.
const options = { sanitizeOps: false, sanitizeResources: false };

const TABLES = lookUpSets.slice(0, -1).map(({ table }) => table);

/** Puts a document of each set but the last there for even users; its `events` tell whose it is. */
async function fill(store: OnlineStore, keys: LookUpKeys[]): Promise<void> {
  for (const { table, keys: columns } of lookUpSets.slice(0, -1)) {
    const documents = keys.filter(({ user_id, user_session }) =>
      user_id % 2n === 0n && (user_session !== null || !columns.includes("user_session"))
    ).map((key) => {
      const id = documentId(columns.map((column) => key[column]!));
      return { id, version: 1, event_time: "2021-02-01T12:00:00.000000Z", events: id.length };
    });
    const distinct = new Map(documents.map((document) => [document.id, document]));
    await overwriteDocuments(containerOf(store, table), [...distinct.values()]);
  }
}

const sessions = ["s", 'it\'s "quoted"', "ü|/?#", null];
const some = (count: number) =>
  Array.from({ length: count }, (_, i): LookUpKeys => ({
    user_id: 9_007_199_254_740_993n + BigInt(i % 300),
    user_session: sessions[i % 4]!,
    product_id: BigInt(i % 7),
  }));

Deno.test(
  "many rows at once get what each gets alone, in order, also without a container",
  options,
  () =>
    withStore(TABLES, async (store) => {
      const all = some(700);
      await fill(store, all);
      const alone = new Map<number, unknown>();
      const picks = fc.array(fc.nat({ max: all.length - 1 }), { minLength: 1, maxLength: 300 });
      await fc.assert(
        fc.asyncProperty(picks, async (rows) => {
          const together = await lookUpFeatures(store, rows.map((row) => all[row]!));
          for (const [i, row] of rows.entries()) {
            if (i > 10) break;
            if (!alone.has(row)) alone.set(row, (await lookUpFeatures(store, [all[row]!]))[0]);
            assert.deepEqual(together[i], alone.get(row));
          }
        }),
        { numRuns: 15 },
      );
    }),
);

Deno.test(
  "a look-up that nobody waits for any more ends",
  options,
  () =>
    withStore(TABLES, async (store) => {
      for (const count of [1, 300]) {
        const given = AbortSignal.abort(new Error("nobody waits"));
        await assert.rejects(lookUpFeatures(store, some(count), given));
      }
    }),
);
