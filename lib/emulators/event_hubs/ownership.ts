import { type Broker, partitionId, type Subscription } from "./broker.ts";
import { quotaExceeded, stolen } from "./conditions.ts";
import { detachReceiver } from "./receivers.ts";
import type { AmqpError } from "./rhea.ts";

/**
 * Lets a receiver take its partition, as the service does it: one with an epoch at least as high as
 * the present owner's disconnects all others; a lower one, or one without, is refused while an owner
 * is there; without any owner a few may share.
 *
 * @returns why it is refused, or null
 */
export function claim(broker: Broker, wanted: Subscription): AmqpError | null {
  const id = idOf(wanted);
  const present = broker.subscriptions.get(id) ?? new Set();
  const owner = [...present].find((one) => one.epoch !== null);
  const refusal = refusalOf(broker, wanted, owner, present.size);
  if (refusal !== null) return refusal;
  if (wanted.epoch !== null) {
    for (const other of [...present]) {
      detachReceiver(
        broker,
        other,
        stolen(
          `New receiver '${wanted.receiver}' with higher epoch of '${wanted.epoch}' is created hence ` +
            `current receiver '${other.receiver}' with epoch '${
              other.epoch ?? "none"
            }' is getting ` +
            `disconnected. If you are recreating the receiver, make sure a higher epoch is used.`,
        ),
      );
    }
  }
  const now = broker.subscriptions.get(id) ?? new Set();
  now.add(wanted);
  broker.subscriptions.set(id, now);
  return null;
}

/** Frees the partition. */
export function giveUp(broker: Broker, subscription: Subscription): void {
  const id = idOf(subscription);
  const present = broker.subscriptions.get(id);
  present?.delete(subscription);
  if (present?.size === 0) broker.subscriptions.delete(id);
}

function refusalOf(
  broker: Broker,
  wanted: Subscription,
  owner: Subscription | undefined,
  present: number,
): AmqpError | null {
  if (owner !== undefined && (wanted.epoch === null || wanted.epoch < owner.epoch!)) {
    const kind = wanted.epoch === null ? "non-epoch receiver" : `epoch '${wanted.epoch}'`;
    return stolen(
      `Receiver '${wanted.receiver}' cannot be created with ${kind}: at least one receiver for the ` +
        `endpoint is created with epoch of '${owner.epoch}', and so it is not allowed. Either ` +
        `reconnect with a higher epoch, or make sure all epoch receivers are closed.`,
    );
  }
  if (wanted.epoch === null && present >= broker.limits.receivers) {
    return quotaExceeded(
      `Exceeded the maximum number of allowed receivers per partition in a consumer group which ` +
        `is ${broker.limits.receivers}.`,
    );
  }
  return null;
}

function idOf({ hub, group, partition }: Subscription): string {
  return partitionId(hub.name, group, partition);
}
