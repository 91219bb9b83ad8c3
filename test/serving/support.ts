import type {
  LookedUp,
  LookUp,
  ModelInput,
  ModelSource,
  RowKeys,
  Servable,
} from "../../lib/serving/types.ts";
import { NotFoundError } from "clickstream/config";
import { servingLog } from "../../lib/serving/log.ts";
import { type ServingOptions, type ServingServer, startServer } from "../../lib/serving/server.ts";

/** The token of every test server. */
export const TOKEN = "test-token";

/** Ids that a double cannot tell apart. */
export const BIG = 1515915625353900095n;

const INPUTS: ModelInput[] = [
  { name: "cart__events", kind: "numeric" },
  { name: "cart_product__purchases", kind: "numeric" },
  { name: "price", kind: "numeric" },
  { name: "brand", kind: "text" },
];

/** A small real model: the probability grows with the events of the cart; `version` shifts it. */
export function smallModel(name: string, version: number, onDispose?: () => void): Servable {
  return {
    name,
    version,
    inputs: INPUTS,
    score: (rows) => {
      const score = (row: Record<string, unknown>) => Number(row["cart__events"] ?? 0) + version;
      return Promise.resolve(rows.map((row) => 1 / (1 + Math.exp(4 - score(row)))));
    },
    ...(onDispose ? { dispose: onDispose } : {}),
  };
}

/** Models by name: version n of a name is there while `latest` is at least n. */
export function smallModels(latest: Record<string, number>): ModelSource {
  return {
    resolve(name, version) {
      const newest = latest[name] ?? 0;
      const wanted = version === "production" ? newest : Number(version);
      if (!(wanted >= 1 && wanted <= newest)) {
        return Promise.reject(new NotFoundError(`Model ${name} has no version ${version}.`));
      }
      return Promise.resolve(wanted);
    },
    load: (name, version) => Promise.resolve(smallModel(name, version)),
  };
}

/** A small real store: features by exact keys, nothing for the rest. */
export function smallStore(carts: [RowKeys, Partial<LookedUp>][]): LookUp {
  const name = (keys: RowKeys) => `${keys.user_id}/${keys.product_id}/${keys.user_session}`;
  const known = new Map(carts.map(([keys, row]) => [name(keys), row]));
  return (keys) =>
    Promise.resolve(keys.map((key) => {
      const row = known.get(name(key));
      const found = row !== undefined;
      return {
        features: {},
        found: { cart: found, product_attributes: found },
        eventTimes: { cart: found ? 1_612_180_800_000_000 : null, product_attributes: null },
        alreadyPurchased: false,
        ...row,
      };
    }));
}

/** Runs `body` with a server on a free port, quiet unless told otherwise. */
export async function withServer<T>(
  options: Partial<ServingOptions>,
  body: (server: ServingServer) => Promise<T>,
): Promise<T> {
  const server = await startServer({
    models: smallModels({ small: 1 }),
    lookUp: smallStore([]),
    standard: { name: "small", version: "production" },
    tokens: [TOKEN],
    reloadMs: 0,
    log: servingLog("silent"),
    ...options,
  });
  try {
    return await body(server);
  } finally {
    await server.close();
  }
}

/** What a server answered. */
export interface Answer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  json: any;
}

/** Sends one request with the test's token, and reads the whole answer. */
export async function send(
  url: string,
  method: string,
  body?: string | Uint8Array<ArrayBuffer> | Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const raw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Plain text answers have no JSON.
  }
  return { status: response.status, headers: response.headers, json };
}
