import { Buffer } from "node:buffer";
import { parseAddress, resolveHub, resolvePartition } from "./address.ts";
import { authorize } from "./authorize.ts";
import type { Broker, Client } from "./broker.ts";
import { notFound, unauthorized, undecodable } from "./conditions.ts";
import { firstSequence, isEmpty } from "./partition_log.ts";
import type { Hub } from "./hubs.ts";
import { type AmqpError, type AmqpMessage, rhea, type RheaSender } from "./rhea.ts";
import { allows, checkToken, TokenError } from "./sas.ts";
import { checkValue } from "./wire.ts";

/** The two nodes that take requests and answer on a link of the client's choice. */
export type RequestNode = "cbs" | "management";

interface Answer {
  status: number;
  description: string;
  condition?: string;
  body?: Record<string, unknown>;
}

const { wrap_int, wrap_long, wrap_string, wrap_timestamp, wrap_array } = rhea.types;
const STRING_CODE = 0xa1;

/** The node that an address names, if it takes requests. */
export function requestNode(address: string | null | undefined): RequestNode | null {
  const { kind } = parseAddress(address ?? "");
  return kind === "cbs" || kind === "management" ? kind : null;
}

/**
 * Answers one request on the link it names.
 *
 * @returns why it cannot be answered, or null
 */
export function answerRequest(
  broker: Broker,
  client: Client,
  node: RequestNode,
  payload: Buffer,
): AmqpError | null {
  let request: AmqpMessage;
  try {
    for (let at = 0; at < payload.length;) at = checkValue(payload, at, payload.length);
    request = rhea.message.decode(payload);
  } catch (error) {
    return undecodable((error as Error).message);
  }
  const link = replyLink(client, node, request);
  if (link === undefined) return notFound(String(request.reply_to));
  const answer = node === "cbs"
    ? putToken(broker, client, request)
    : manage(broker, client, request);
  link.send({
    correlation_id: request.message_id,
    application_properties: {
      "status-code": wrap_int(answer.status),
      "status-description": answer.description,
      // The service writes the first; its SDKs read one or the other.
      ...(answer.condition === undefined
        ? {}
        : { "error-condition": answer.condition, "errorCondition": answer.condition }),
    },
    body: answer.body ?? {},
  });
  return null;
}

function replyLink(
  client: Client,
  node: RequestNode,
  request: AmqpMessage,
): RheaSender | undefined {
  const named = client.replyLinks.get(String(request.reply_to ?? ""));
  if (named !== undefined) return named;
  return [...client.replyLinks.values()].findLast((link) =>
    requestNode(link.source?.address) === node
  );
}

function putToken(broker: Broker, client: Client, request: AmqpMessage): Answer {
  const properties = request.application_properties ?? {};
  if (properties.operation !== "put-token") {
    return { status: 501, description: `Operation ${properties.operation} is not supported.` };
  }
  if (properties.type !== "servicebus.windows.net:sastoken") {
    return denied(`Tokens of type ${properties.type} are not supported here: use a shared key.`);
  }
  const token = textOf(request.body);
  try {
    const grant = checkToken(token, broker.ring.keys, broker.now());
    client.grants.set(grant.path, grant);
  } catch (error) {
    if (error instanceof TokenError) return denied(error.message);
    throw error;
  }
  return { status: 202, description: "Accepted" };
}

function manage(broker: Broker, client: Client, request: AmqpMessage): Answer {
  const properties = request.application_properties ?? {};
  if (properties.operation !== "READ") {
    return { status: 400, description: `Operation ${properties.operation} is not supported.` };
  }
  const name = String(properties.name ?? "");
  const refused = mayManage(broker, client, name, properties.security_token);
  if (refused !== null) return { ...denied(refused.description), condition: refused.condition };
  const hub = resolveHub(broker.catalogue, name);
  if ("error" in hub) return failed(404, hub.error);
  if (properties.type === "com.microsoft:eventhub") return describeHub(hub.found);
  if (properties.type === "com.microsoft:partition") {
    const partition = resolvePartition(hub.found, String(properties.partition ?? ""));
    if ("error" in partition) return failed(400, partition.error);
    return describePartition(hub.found, partition.found);
  }
  return { status: 400, description: `Entities of type ${properties.type} are not supported.` };
}

/** Any right on the hub lets a client ask for its properties. */
function mayManage(
  broker: Broker,
  client: Client,
  hub: string,
  token: unknown,
): AmqpError | null {
  if (typeof token === "string" && token !== "") {
    try {
      const grant = checkToken(token, broker.ring.keys, broker.now());
      if (allows(grant, hub, grant.rights[0] ?? "Listen", broker.now())) return null;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return unauthorized(error.message);
    }
  }
  const listen = authorize(broker, client, hub, "Listen");
  return listen === null || authorize(broker, client, hub, "Send") === null ? null : listen;
}

function describeHub(hub: Hub): Answer {
  const ids = hub.partitions.map((_, id) => String(id));
  return {
    status: 200,
    description: "OK",
    body: {
      name: wrap_string(hub.name),
      type: wrap_string("com.microsoft:eventhub"),
      created_at: wrap_timestamp(hub.createdMs),
      partition_count: wrap_int(ids.length),
      partition_ids: wrap_array(ids, STRING_CODE),
      georeplication_factor: wrap_int(1),
    },
  };
}

function describePartition(hub: Hub, partition: number): Answer {
  const log = hub.partitions[partition]!;
  return {
    status: 200,
    description: "OK",
    body: {
      name: wrap_string(hub.name),
      type: wrap_string("com.microsoft:partition"),
      partition: wrap_string(String(partition)),
      begin_sequence_number: wrap_long(firstSequence(log)),
      last_enqueued_sequence_number: wrap_long(log.newest.sequence),
      last_enqueued_offset: wrap_string(log.newest.offset),
      last_enqueued_time_utc: wrap_timestamp(log.newest.enqueuedMs),
      is_partition_empty: isEmpty(log),
    },
  };
}

function denied(description: string): Answer {
  return { status: 401, description, condition: "amqp:unauthorized-access" };
}

function failed(status: number, error: AmqpError): Answer {
  return { status, description: error.description, condition: error.condition };
}

function textOf(body: unknown): string {
  if (typeof body === "string") return body;
  const content = (body as { content?: unknown } | null)?.content ?? body;
  return Buffer.isBuffer(content) ? content.toString("utf8") : String(content ?? "");
}
