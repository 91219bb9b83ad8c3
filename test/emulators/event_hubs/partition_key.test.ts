import assert from "node:assert/strict";
import fc from "fast-check";
import { partitionOfKey } from "../../../lib/emulators/event_hubs/mod.ts";

Deno.test("keys go to the partitions the service sends them to", () => {
  const known: [string, number, number][] = [
    ["alphabet", 3, 0],
    ["alphabet", 11, 4],
    ["TheBestParitionEver", 4, 2],
    ["TheWorstParitionEver", 15, 1],
  ];
  for (const [key, partitions, partition] of known) {
    assert.equal(partitionOfKey(key, partitions), partition);
  }
});

Deno.test("for any key it agrees with the SDK's own mapping", async () => {
  // The SDK's buffered producer maps keys itself, in a file it does not export.
  const sdk = new URL("../../../node_modules/@azure/event-hubs/dist/esm/", import.meta.url);
  const mapper = new URL("impl/partitionKeyToIdMapper.js", sdk).href;
  const { mapPartitionKeyToId } = await import(mapper) as {
    mapPartitionKeyToId(key: string, partitions: number): number;
  };
  const partitions = fc.integer({ min: 1, max: 32 });
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), partitions, (key, count) => {
      assert.equal(partitionOfKey(key, count), mapPartitionKeyToId(key, count));
    }),
    { numRuns: 2000 },
  );
});
