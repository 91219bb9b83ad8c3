import assert from "node:assert/strict";
import fc from "fast-check";
import { partitionsToClaim } from "../../lib/streaming/ownership.ts";

/** Lets every member claim in turn until none claims any more; who had a partition before loses it. */
function settle(owners: Map<number, string>, members: string[], partitions: number[]): number {
  for (let rounds = 0; rounds < 50; rounds++) {
    let claims = 0;
    for (const member of members) {
      const more = partitionsToClaim(owners, member, partitions);
      for (const partition of more) owners.set(partition, member);
      claims += more.length;
    }
    if (claims === 0) return rounds;
  }
  return Infinity;
}

const anyGroup = fc.record({
  partitions: fc.integer({ min: 1, max: 32 }).map((n) => Array.from({ length: n }, (_, p) => p)),
  members: fc.integer({ min: 1, max: 6 }).map((n) => Array.from({ length: n }, (_, m) => `m${m}`)),
  start: fc.array(fc.nat(40), { maxLength: 32 }),
});

Deno.test("members that claim in turn end with shares that differ by one at most, and rest", () => {
  fc.assert(fc.property(anyGroup, ({ partitions, members, start }) => {
    const owners = new Map(
      partitions.slice(0, start.length).map((p, i) => [p, members[start[i]! % members.length]!]),
    );
    assert.ok(settle(owners, members, partitions) < 10);
    assert.equal(owners.size, partitions.length);
    const shares = members.map((m) => [...owners.values()].filter((owner) => owner === m).length);
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, shares.join());
  }));
});

Deno.test("who comes second takes half and leaves the rest with the first", () => {
  const owners = new Map([[0, "a"], [1, "a"], [2, "a"], [3, "a"]]);
  assert.deepEqual(partitionsToClaim(owners, "b", [0, 1, 2, 3]).length, 2);
  assert.deepEqual(partitionsToClaim(owners, "a", [0, 1, 2, 3]), []);
});

Deno.test("what a member that is gone had goes to the others, without moving anything else", () => {
  const owners = new Map([[0, "a"], [1, "a"], [4, "c"]]);
  const partitions = [0, 1, 2, 3, 4, 5];
  assert.deepEqual(partitionsToClaim(owners, "c", partitions), [2, 3]);
});
