import type { CheckpointStore, PartitionOwnership } from "@azure/event-hubs";

/** What {@link Ownership} works on. */
export interface OwnershipOptions {
  /** Where the members of a consumer group see each other's claims. */
  store: Pick<CheckpointStore, "listOwnership" | "claimOwnership">;
  fullyQualifiedNamespace: string;
  eventHubName: string;
  consumerGroup: string;
  /** All partitions of the hub. */
  partitions: readonly number[];
  /** Milliseconds after which a claim that was not renewed is void. */
  lapseMillis: number;
  /** A clock that never goes back, milliseconds. @default performance.now */
  now?: () => number;
}

/**
 * Which partitions this member of a consumer group reads: claims in a checkpoint store, renewed at
 * intervals. That a claim is void is told by its ETag, which has not changed for long enough on this
 * process's clock; no two clocks need agree. Claims only spread the work: what keeps an outdated
 * member from writing is the tables' own transactions.
 */
export class Ownership {
  readonly #options: Required<OwnershipOptions>;
  readonly #member = crypto.randomUUID();
  /** Since when each partition's claim has had its ETag. */
  readonly #seen = new Map<number, { etag: string | undefined; since: number }>();

  constructor(options: OwnershipOptions) {
    this.#options = { now: () => performance.now(), ...options };
  }

  /**
   * Renews the claims of this member, and takes its fair share of what is free or too much for
   * others.
   *
   * @returns the partitions that it owns now, in order
   */
  async renew(): Promise<number[]> {
    const claims = await this.#list();
    const owners = new Map(
      [...claims].filter(([partition, { ownerId }]) =>
        ownerId === this.#member || (ownerId !== "" && !this.#hasLapsed(partition))
      ).map(([partition, { ownerId }]) => [partition, ownerId]),
    );
    const mine = [...owners].filter(([, owner]) => owner === this.#member).map(([p]) => p);
    const more = partitionsToClaim(owners, this.#member, this.#options.partitions);
    return await this.#claim([...mine, ...more], claims, this.#member);
  }

  /** Gives up all claims, so that others need not wait until they lapse. */
  async release(): Promise<void> {
    const claims = await this.#list();
    const mine = [...claims].filter(([, { ownerId }]) => ownerId === this.#member);
    await this.#claim(mine.map(([partition]) => partition), claims, "");
  }

  async #list(): Promise<Map<number, PartitionOwnership>> {
    const { store, fullyQualifiedNamespace, eventHubName, consumerGroup, now } = this.#options;
    const listed = await store.listOwnership(fullyQualifiedNamespace, eventHubName, consumerGroup);
    const claims = new Map(listed.map((claim) => [Number(claim.partitionId), claim]));
    for (const [partition, { etag }] of claims) {
      if (this.#seen.get(partition)?.etag !== etag) {
        this.#seen.set(partition, { etag, since: now() });
      }
    }
    return claims;
  }

  #hasLapsed(partition: number): boolean {
    const { now, lapseMillis } = this.#options;
    return now() - this.#seen.get(partition)!.since >= lapseMillis;
  }

  async #claim(
    partitions: readonly number[],
    claims: ReadonlyMap<number, PartitionOwnership>,
    ownerId: string,
  ): Promise<number[]> {
    const { store, fullyQualifiedNamespace, eventHubName, consumerGroup } = this.#options;
    const taken = await store.claimOwnership(partitions.map((partition) => {
      const etag = claims.get(partition)?.etag;
      return {
        fullyQualifiedNamespace,
        eventHubName,
        consumerGroup,
        partitionId: String(partition),
        ownerId,
        ...(etag === undefined ? {} : { etag }),
      };
    }));
    return taken.map(({ partitionId }) => Number(partitionId)).sort((a, b) => a - b);
  }
}

/**
 * What a member should claim beside what it owns: free partitions up to its fair share, then one
 * after the other from whoever owns at least two more.
 *
 * @param owners member by partition; free partitions are absent
 */
export function partitionsToClaim(
  owners: ReadonlyMap<number, string>,
  member: string,
  partitions: readonly number[],
): number[] {
  const owned = new Map<string, number[]>([[member, []]]);
  for (const [partition, owner] of owners) {
    const held = owned.get(owner);
    if (held === undefined) owned.set(owner, [partition]);
    else held.push(partition);
  }
  const most = Math.ceil(partitions.length / owned.size);
  const mine = owned.get(member)!.length;
  const claimed = partitions.filter((p) => !owners.has(p)).slice(0, Math.max(0, most - mine));
  for (;;) {
    const richest = [...owned.values()].reduce((a, b) => b.length > a.length ? b : a);
    if (richest.length < mine + claimed.length + 2) break;
    claimed.push(richest.pop()!);
  }
  return claimed;
}
