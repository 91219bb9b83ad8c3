import { randomUUID } from "node:crypto";
import { CosmosFailure, failureOf } from "./failure.ts";

/** An answer before it is put on the wire. */
export interface Reply {
  status: number;
  /** JSON text; empty for answers without a body. */
  body: string;
  headers?: Record<string, string>;
  /** Request units. */
  charge?: number;
  /** Number of the container's last change. */
  lsn?: number;
}

/** A resource (or a list) as a reply. */
export function jsonReply(status: number, value: unknown, more: Partial<Reply> = {}): Reply {
  const etag = (value as { _etag?: string })?._etag;
  return {
    status,
    body: JSON.stringify(value),
    charge: 1,
    ...more,
    headers: { ...(etag === undefined ? {} : { etag }), ...more.headers },
  };
}

/** A failure as a reply. Anything that is no {@link CosmosFailure} is a defect: 500. */
export function failureReply(error: unknown): Reply {
  const failure = error instanceof CosmosFailure ? error : failureOf(error);
  const { status, code, message, substatus, retryAfterMs } = failure;
  return {
    status,
    body: JSON.stringify({ code, message }),
    headers: {
      ...(substatus === 0 ? {} : { "x-ms-substatus": String(substatus) }),
      ...(retryAfterMs === undefined ? {} : { "x-ms-retry-after-ms": String(retryAfterMs) }),
    },
  };
}

/** Puts a reply on the wire, with the headers that every answer carries. */
export function toResponse(reply: Reply): Response {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    // Without no-transform the server would compress, and weaken ETags for it.
    "cache-control": "no-store, no-cache, no-transform",
    "x-ms-activity-id": randomUUID(),
    "x-ms-request-charge": String(reply.charge ?? 0),
    "x-ms-version": "2020-07-15",
    "x-ms-gatewayversion": "2.0.0",
    ...(reply.lsn === undefined
      ? {}
      : { "x-ms-session-token": `0:-1#${reply.lsn}`, lsn: String(reply.lsn) }),
    ...reply.headers,
  };
  const empty = reply.status === 204 || reply.status === 304;
  return new Response(empty ? null : reply.body, { status: reply.status, headers });
}
