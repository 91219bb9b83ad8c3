import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { CosmosFailure } from "./failure.ts";
import { sign, type SigningKey, signingKey } from "./hmac.ts";

/** The two keys of the account, ready to sign with. */
export interface AccountKeys {
  /** May do anything. */
  write: SigningKey;
  /** May read and query. */
  read: SigningKey;
}

/** What the signature of a request covers. */
export interface SignedRequest {
  verb: string;
  /** `dbs`, `colls`, `docs`, … or empty for the account. */
  resourceType: string;
  /** Resource links to try: the SDKs differ in how they write ids with special characters. */
  links: string[];
  /** Value of the `authorization` header. */
  authorization: string | null;
  /** Value of `x-ms-date`, else of `date`. */
  date: string | null;
  /** True when the request changes something: the read-only key cannot sign it. */
  writes: boolean;
}

const MAX_SKEW_MS = 15 * 60 * 1000;

/**
 * Checks the master-key signature of a request.
 *
 * @param now current time in milliseconds, for the 15-minute validity of the date
 * @throws {CosmosFailure} 401 for a missing, malformed or wrong signature, and for a write signed
 *   with the read-only key; 403 for a date too far from now
 */
export function authorize(keys: AccountKeys, request: SignedRequest, now: number): void {
  const signature = readSignature(request.authorization);
  const time = request.date === null ? NaN : Date.parse(request.date);
  if (Number.isNaN(time)) {
    throw new CosmosFailure(
      401,
      "The request must carry its time in the header x-ms-date or date, in RFC 1123 form.",
    );
  }
  const allowed = request.writes ? [keys.write] : [keys.write, keys.read];
  const payloads = request.links.map((link) => payloadOf(request, link));
  const valid = payloads.some((payload) => allowed.some((key) => matches(key, payload, signature)));
  if (!valid) throw wrongSignature(payloads[0]!);
  if (Math.abs(now - time) > MAX_SKEW_MS) {
    throw new CosmosFailure(
      403,
      "The authorization token is not valid at the current time. Please create another token " +
        `and retry (token time: ${request.date}, current server time: ` +
        `${new Date(now).toUTCString()}).`,
    );
  }
}

/** The text that a client signs. */
export function payloadOf(
  request: Pick<SignedRequest, "verb" | "resourceType" | "date">,
  link: string,
): string {
  return `${request.verb.toLowerCase()}\n${request.resourceType.toLowerCase()}\n${link}\n` +
    `${(request.date ?? "").toLowerCase()}\n\n`;
}

/** Reads a base64 account key. */
export function decodeKey(key: string): SigningKey {
  return signingKey(Buffer.from(key, "base64"));
}

function readSignature(header: string | null): Buffer {
  if (header === null || header === "") {
    throw new CosmosFailure(
      401,
      "Required Header authorization is missing. Ensure a valid " +
        "Authorization token is passed.",
    );
  }
  let token = header;
  try {
    token = decodeURIComponent(header);
  } catch {
    // left as it is: the pattern below decides
  }
  const parts = /^type=master&ver=1\.0&sig=([A-Za-z0-9+/=]+)$/.exec(token);
  if (parts === null) {
    throw new CosmosFailure(
      401,
      "Authorization header doesn't confirm to the required format. " +
        "Please verify and try again.",
    );
  }
  return Buffer.from(parts[1]!, "base64");
}

function matches(key: SigningKey, payload: string, signature: Buffer): boolean {
  const expected = sign(key, payload);
  return expected.length === signature.length && timingSafeEqual(expected, signature);
}

function wrongSignature(payload: string): CosmosFailure {
  return new CosmosFailure(
    401,
    "The input authorization token can't serve the request. The wrong key is being used or the " +
      "expected payload is not built as per the protocol. For more info: " +
      "https://aka.ms/cosmosdb-tsg-unauthorized. Server used the following payload to sign: " +
      `'${payload}'`,
  );
}
