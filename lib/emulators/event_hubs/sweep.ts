import { authorize } from "./authorize.ts";
import type { Broker, Client } from "./broker.ts";
import { connectionForced, unauthorized } from "./conditions.ts";
import { endConnection } from "./connection.ts";
import { detachProducer } from "./producers.ts";
import { detachReceiver } from "./receivers.ts";

/** Ends what has been idle too long or whose token has run out. Called every second. */
export function sweep(broker: Broker): void {
  const nowMs = broker.now();
  for (const client of [...broker.clients]) {
    if (isStalled(broker, client, nowMs)) client.socket.destroy();
    else if (isIdle(broker, client, nowMs)) {
      endConnection(client, connectionForced(idleText(broker)));
    } else closeExpired(broker, client, nowMs);
  }
}

/** Connected, but never opened: half a connection, or something else that speaks to the port. */
function isStalled(broker: Broker, client: Client, nowMs: number): boolean {
  return !client.rhea.is_open() && nowMs - client.connectedMs > broker.limits.handshakeMs;
}

function isIdle(broker: Broker, client: Client, nowMs: number): boolean {
  return client.linklessMs !== null && nowMs - client.linklessMs > broker.limits.idleMs;
}

function idleText(broker: Broker): string {
  return `The connection was inactive for more than the allowed ${broker.limits.idleMs} ` +
    `milliseconds and is closed by container '${broker.containerId}'.`;
}

function closeExpired(broker: Broker, client: Client, nowMs: number): void {
  let expired = false;
  for (const [path, grant] of client.grants) {
    if (grant.expiresMs > nowMs) continue;
    client.grants.delete(path);
    expired = true;
  }
  if (!expired) return;
  const error = unauthorized("ExpiredToken: The token of the link has expired.");
  for (const one of [...client.producers.values()]) {
    if (authorize(broker, client, one.path, "Send") !== null) detachProducer(one, error);
  }
  for (const one of [...client.subscriptions.values()]) {
    if (authorize(broker, client, one.path, "Listen") !== null) detachReceiver(broker, one, error);
  }
}
