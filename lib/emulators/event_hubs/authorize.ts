import type { Broker, Client } from "./broker.ts";
import { unauthorized } from "./conditions.ts";
import type { AmqpError } from "./rhea.ts";
import { allows, type Right } from "./sas.ts";

/** Why a client may not do something on a path; null when one of its tokens allows it. */
export function authorize(
  broker: Broker,
  client: Client,
  path: string,
  right: Right,
): AmqpError | null {
  const nowMs = broker.now();
  for (const grant of client.grants.values()) {
    if (allows(grant, path, right, nowMs)) return null;
  }
  return unauthorized(
    `Unauthorized access. '${right}' claim(s) are required to perform this operation. ` +
      `Resource: 'sb://${broker.containerId}/${path}'.`,
  );
}
