import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { Cosmos } from "../../../lib/emulators/cosmos/mod.ts";

/** A request made by hand. */
export interface RawRequest {
  method?: string;
  /** Path from the root, as sent. */
  path: string;
  /** Resource type and link that are signed; by default read from the path. */
  type?: string;
  link?: string;
  key?: string;
  /** When it is signed, in milliseconds since 1970. @default now */
  at?: number;
  headers?: Record<string, string>;
  body?: BodyInit;
}

/** An answer, with its body parsed where it is JSON. */
export interface RawAnswer {
  status: number;
  headers: Headers;
  body: { code?: string; message?: string } & Record<string, unknown>;
}

/** Sends a signed request without an SDK. */
export async function ask(cosmos: Cosmos, request: RawRequest): Promise<RawAnswer> {
  const { method = "GET", path, key = cosmos.writeKey, headers = {}, body = null } = request;
  const parts = path.split("/").filter((part) => part !== "");
  const isOne = parts.length % 2 === 0;
  const type = request.type ?? parts.at(isOne ? -2 : -1) ?? "";
  const link = request.link ?? decodeURIComponent((isOne ? parts : parts.slice(0, -1)).join("/"));
  const date = new Date(request.at ?? Date.now()).toUTCString();
  const text = `${method.toLowerCase()}\n${type}\n${link}\n${date.toLowerCase()}\n\n`;
  const sig = createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64");
  const response = await fetch(cosmos.endpoint.replace(/\/$/, "") + path, {
    method,
    body,
    headers: {
      authorization: encodeURIComponent(`type=master&ver=1.0&sig=${sig}`),
      "x-ms-date": date,
      ...headers,
    },
  });
  const answered = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: answered === "" ? {} : JSON.parse(answered),
  };
}
