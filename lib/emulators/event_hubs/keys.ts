import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ClickstreamError, ConfigError, NotFoundError } from "clickstream/config";
import { readJson, writeJson } from "./files.ts";
import { type Catalogue, findHub } from "./hubs.ts";
import type { AccessKey, Right } from "./sas.ts";

/** A shared access key that is to exist. */
export interface KeyDefinition {
  name: string;
  /** At least one. Manage includes the other two. */
  rights: Right[];
  /** The one hub it is for. @default all hubs */
  hub?: string;
}

/** The shared access keys of a namespace. */
export interface KeyRing {
  keys: AccessKey[];
  /** Where they are kept; null when the program that started the server gave them. */
  file: string | null;
}

const RIGHTS: readonly Right[] = ["Manage", "Send", "Listen"];

/** The keys that were given, else those kept in the folder; the first start makes one. */
export function openKeys(directory: string, given?: AccessKey[]): KeyRing {
  if (given !== undefined) return { keys: [...given], file: null };
  const file = join(directory, "keys.json");
  const kept = readJson<AccessKey[]>(file);
  if (kept !== null) return { keys: kept, file };
  const ring = { keys: [newKey({ name: "RootManageSharedAccessKey", rights: [...RIGHTS] })], file };
  save(ring);
  return ring;
}

/**
 * Makes a key, or gives the one of that name other rights.
 *
 * @throws {ConfigError} when the definition is wrong
 * @throws {NotFoundError} when there is no such hub
 */
export function ensureKey(
  ring: KeyRing,
  catalogue: Catalogue,
  definition: KeyDefinition,
): AccessKey {
  const { name, rights, hub } = checked(definition);
  if (hub !== undefined && findHub(catalogue, hub) === null) {
    throw new NotFoundError(`There is no hub ${hub}.`);
  }
  let key = ring.keys.find((one) => one.name === name);
  if (key === undefined) ring.keys.push(key = newKey({ name, rights }));
  else key.rights = rights;
  if (hub === undefined) delete key.hub;
  else key.hub = hub;
  save(ring);
  return key;
}

/** What an SDK needs to connect with one of the keys; see {@link EventHubs.connectionString}. */
export function connectionString(
  { keys }: KeyRing,
  address: string,
  hub?: string,
  keyName?: string,
): string {
  const key = keyName === undefined
    ? keys.find((one) => one.rights.includes("Manage")) ?? keys[0]!
    : keys.find((one) => one.name === keyName);
  if (key === undefined) throw new ClickstreamError(`There is no key named ${keyName}.`);
  return `Endpoint=sb://${address};SharedAccessKeyName=${key.name};` +
    `SharedAccessKey=${key.key};UseDevelopmentEmulator=true` +
    (hub === undefined ? "" : `;EntityPath=${hub}`);
}

function checked({ name, rights, hub }: KeyDefinition): KeyDefinition {
  if (!/^[A-Za-z0-9._-]{1,256}$/.test(name)) {
    throw new ConfigError(
      `${JSON.stringify(name)} is no name for a key: use letters, digits, periods, hyphens and ` +
        `underscores.`,
    );
  }
  if (!Array.isArray(rights) || rights.length === 0) {
    throw new ConfigError(`The key ${name} needs at least one right of ${RIGHTS.join(", ")}.`);
  }
  const strange = rights.find((right) => !RIGHTS.includes(right));
  if (strange !== undefined) {
    throw new ConfigError(
      `${JSON.stringify(strange)} is no right: there are ${RIGHTS.join(", ")}.`,
    );
  }
  return { name, rights, ...(hub === undefined ? {} : { hub }) };
}

function newKey(definition: KeyDefinition): AccessKey {
  return { ...definition, key: randomBytes(32).toString("base64") };
}

function save({ keys, file }: KeyRing): void {
  if (file !== null) writeJson(file, keys, 0o600);
}
