import { partitionOfKey } from "clickstream/config";
import type { DecodedMessage } from "./decode.ts";

/**
 * The part of a hub that one query of a consumer group reads. Producers send with the user as the
 * partition key, so all events of a cart are in one partition, and its state with whoever reads it.
 */
export interface Share {
  /** The partitions read. */
  partitions: readonly number[];
  /** Partitions of the hub. */
  of: number;
}

/** Whether a share holds the events of a user. */
export function holdsUser({ partitions, of }: Share, user: bigint): boolean {
  return partitions.includes(partitionOfKey(String(user), of));
}

/**
 * A message as a query of a group takes it: an event in a partition that is not its user's is
 * rejected, as another query holds what is known of that user. `deno task requeue` sends it there.
 */
export function placed(decoded: DecodedMessage, { of }: Share): DecodedMessage {
  if (decoded.event === null) return decoded;
  const { user_id: user } = decoded.event;
  const partition = partitionOfKey(String(user), of);
  if (partition === decoded.source.partition) return decoded;
  return {
    ...decoded,
    event: null,
    reason: "invalid",
    detail: `partition: events of user ${user} belong in partition ${partition}: send them with ` +
      "the user as the partition key",
  };
}
