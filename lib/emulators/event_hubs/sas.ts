import { createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { ClickstreamError } from "clickstream/config";

/** What a shared access key allows. Manage includes the other two. */
export type Right = "Send" | "Listen" | "Manage";

/** A shared access policy: a named key and what it allows. */
export interface AccessKey {
  name: string;
  /** The key itself, as it stands in a connection string. */
  key: string;
  rights: Right[];
  /** The one hub it is for. @default all hubs */
  hub?: string;
}

/** A shared access signature that was checked. */
export interface Grant {
  /** Path it was made for, in lower case, without slashes around it; empty is the namespace. */
  path: string;
  rights: Right[];
  /** Milliseconds since 1970. */
  expiresMs: number;
}

/** A token was refused. */
export class TokenError extends ClickstreamError {}

/**
 * Checks a token of the form `SharedAccessSignature sr=…&sig=…&se=…&skn=…`.
 *
 * @param nowMs the present, in milliseconds since 1970
 * @throws {TokenError} says what is wrong with it
 */
export function checkToken(token: string, keys: AccessKey[], nowMs: number): Grant {
  const fields = fieldsOf(token);
  const expiresMs = Number(fields.se) * 1000;
  if (!Number.isSafeInteger(expiresMs)) throw new TokenError("The token has no valid expiry (se).");
  const path = pathOf(decode(fields.sr));
  const key = keys.find((one) => one.name === fields.skn && mayCover(one, path));
  if (key === undefined) throw new TokenError(`InvalidSignature: no key named ${fields.skn}.`);
  const wanted = createHmac("sha256", key.key).update(`${fields.sr}\n${fields.se}`).digest();
  const given = Buffer.from(decode(fields.sig), "base64");
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new TokenError("InvalidSignature: The token has an invalid signature.");
  }
  if (expiresMs <= nowMs) {
    throw new TokenError(
      `ExpiredToken: The token expired at ${new Date(expiresMs).toISOString()}.`,
    );
  }
  return { path, rights: key.rights, expiresMs };
}

/**
 * Makes a token for an address.
 *
 * @param address for example `sb://127.0.0.1/hub`
 * @param expiresMs milliseconds since 1970
 */
export function createToken(address: string, key: AccessKey, expiresMs: number): string {
  const sr = encodeURIComponent(address);
  const se = Math.floor(expiresMs / 1000);
  const sig = createHmac("sha256", key.key).update(`${sr}\n${se}`).digest("base64");
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${se}&skn=${
    encodeURIComponent(key.name)
  }`;
}

/** Whether a grant allows something on a path. */
export function allows(grant: Grant, path: string, right: Right, nowMs: number): boolean {
  if (grant.expiresMs <= nowMs) return false;
  const wanted = normalPath(path);
  const covers = grant.path === "" || wanted === grant.path || wanted.startsWith(`${grant.path}/`);
  return covers && (grant.rights.includes(right) || grant.rights.includes("Manage"));
}

/** The path of an address `sb://host[:port]/path`, in lower case, without slashes around it. */
export function pathOf(address: string): string {
  const match = /^[a-z]+:\/\/[^/]*(\/.*)?$/i.exec(address);
  return normalPath(match === null ? address : match[1] ?? "");
}

function normalPath(path: string): string {
  return path.toLowerCase().replace(/^\/+|\/+$/g, "").replace(/\/\$management$/, "");
}

function mayCover(key: AccessKey, path: string): boolean {
  if (key.hub === undefined) return true;
  const hub = key.hub.toLowerCase();
  return path === hub || path.startsWith(`${hub}/`);
}

function fieldsOf(token: string): { sr: string; sig: string; se: string; skn: string } {
  const prefix = "SharedAccessSignature ";
  if (!token.startsWith(prefix)) throw new TokenError("The token is no SharedAccessSignature.");
  const fields: Record<string, string> = {};
  for (const part of token.slice(prefix.length).split("&")) {
    const equals = part.indexOf("=");
    if (equals > 0) fields[part.slice(0, equals)] = part.slice(equals + 1);
  }
  const { sr, sig, se, skn } = fields;
  if (sr === undefined || sig === undefined || se === undefined || skn === undefined) {
    throw new TokenError("The token lacks one of sr, sig, se and skn.");
  }
  return { sr, sig, se, skn: decode(skn) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new TokenError("The token is not URL-encoded properly.", { cause: error });
  }
}
