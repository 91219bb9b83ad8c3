import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Container } from "./catalog.ts";
import { badRequest } from "./failure.ts";
import { isObject, type Json } from "./json.ts";
import type { Place, Scope } from "./scan.ts";

/** The place of an item in a scan. */
export function placeOf({ row, ts }: Place): Place {
  return { row, ts };
}

/** Where a query goes on. */
export interface Token {
  /** {@link fingerprint} of the query. */
  name: string;
  /** The last item seen, where results follow items. */
  place?: Place;
  /** Results still to leave out. */
  skip?: number;
  /** Most results still to come. */
  left?: number;
  /** Id of kept results, and how many of them were sent. */
  kept?: string;
  offset?: number;
}

/** A short name of a query over a container, so that no other query goes on with its token. */
export function fingerprint(container: Container, body: Json, scope: Scope): string {
  const asked = JSON.stringify([container.rid, body, scope.key, scope.range]);
  return createHash("sha256").update(asked).digest("base64url").slice(0, 12);
}

/** A token as the header carries it. */
export function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/**
 * Reads a token.
 *
 * @param name {@link fingerprint} of the query that it must belong to
 * @throws {CosmosFailure} 400 when it is malformed or belongs to another query
 */
export function readToken(text: string | null, name: string): Token | undefined {
  if (text === null || text === "") return undefined;
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch (cause) {
    throw badRequest("The continuation token is malformed.", 0, cause);
  }
  if (!isObject(token) || token.name !== name || !isToken(token)) {
    throw badRequest("The continuation token is malformed, or it belongs to another query.");
  }
  return token;
}

function isToken(token: Record<string, unknown>): token is Record<string, Json> & Token {
  const isNumber = (value: unknown) => value === undefined || Number.isSafeInteger(value);
  const { place, kept } = token;
  return isNumber(token.skip) && isNumber(token.left) && isNumber(token.offset) &&
    (kept === undefined || typeof kept === "string") &&
    (place === undefined ||
      (isObject(place) && Number.isSafeInteger(place.row) && Number.isSafeInteger(place.ts)));
}
