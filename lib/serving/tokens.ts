import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import { writeWhole } from "clickstream/config";

/** A bearer token as it is kept: never the token, only its hash. */
interface TokenRecord {
  /** SHA-256 of the token, hexadecimal. */
  sha256: string;
  /** Whom it was made for, in words. */
  name: string;
  /** ISO 8601. */
  created: string;
  /** ISO 8601. */
  expires: string;
}

/** Knows which bearer tokens are good. */
export interface TokenBook {
  /**
   * The identity of a token, fit for logs and rate limits (the start of its hash), or null when
   * it is unknown or expired. Takes the same time whichever known token it resembles.
   */
  identify(token: string): string | null;
}

/** What a {@link TokenBook} accepts. */
export interface TokenBookOptions {
  /** Tokens from the configuration; only their hashes are kept. @default none */
  tokens?: string[];
  /** Folder of minted tokens, a file each with the hash. @default none */
  directory?: string;
  /** Milliseconds in which the folder is read again at most once. @default 250 */
  rereadMs?: number;
  /** The wall clock in milliseconds, for expiry. @default Date.now */
  now?: () => number;
}

interface Known {
  hash: Uint8Array;
  expires: number;
}

/** Opens the book of tokens. Tokens that other processes mint are known within `rereadMs`. */
export function tokenBook(options: TokenBookOptions): TokenBook {
  const { directory, rereadMs = 250, now = Date.now } = options;
  const configured = (options.tokens ?? []).filter((token) => token !== "")
    .map((token): Known => ({ hash: sha256(token), expires: Infinity }));
  let minted: Known[] = [];
  let readAt = -Infinity;
  const find = (hash: Uint8Array) => {
    let found: Known | null = null;
    for (const known of [...configured, ...minted]) {
      if (timingSafeEqual(known.hash, hash) && known.expires > now()) found = known;
    }
    return found;
  };
  return {
    identify(token) {
      const hash = sha256(token);
      let found = find(hash);
      if (found === null && directory !== undefined && performance.now() - readAt >= rereadMs) {
        minted = readMinted(directory);
        readAt = performance.now();
        found = find(hash);
      }
      return found === null ? null : hexadecimal(found.hash).slice(0, 12);
    },
  };
}

/** For whom a token is minted and for how long. */
export interface MintOptions {
  /** Whom it is for, in words. */
  name: string;
  /** Hours until it expires. @default 168 */
  hours?: number;
}

/**
 * Makes a new token for the servers that watch `directory` and returns it. Only its hash is written;
 * whoever may write the folder may use the endpoint. Expired tokens are cleared away.
 */
export function mintToken(directory: string, options: MintOptions): string {
  const token = `cs-${randomBytes(32).toString("base64url")}`;
  admitToken(directory, token, options);
  return token;
}

/** Lets the servers that watch `directory` accept `token`: its hash is written there. */
export function admitToken(directory: string, token: string, options: MintOptions): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const { file, record } of listRecords(directory)) {
    if (Date.parse(record.expires) < Date.now()) rmSync(file, { force: true });
  }
  const hash = hexadecimal(sha256(token));
  const record: TokenRecord = {
    sha256: hash,
    name: options.name,
    created: new Date().toISOString(),
    expires: new Date(Date.now() + (options.hours ?? 168) * 3_600_000).toISOString(),
  };
  const file = join(directory, `${hash.slice(0, 32)}.json`);
  writeWhole(file, JSON.stringify(record, null, 2), { mode: 0o600 });
}

function readMinted(directory: string): Known[] {
  return listRecords(directory).map(({ record }) => ({
    hash: Uint8Array.from(Buffer.from(record.sha256, "hex")),
    expires: Date.parse(record.expires),
  }));
}

/** Files that are half written or not ours are passed over: they name no token. */
function listRecords(directory: string): { file: string; record: TokenRecord }[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names.flatMap((name) => {
    const file = join(directory, name);
    try {
      const record = JSON.parse(readFileSync(file, "utf8")) as TokenRecord;
      return /^[0-9a-f]{64}$/.test(record.sha256) ? [{ file, record }] : [];
    } catch {
      return [];
    }
  });
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function hexadecimal(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
