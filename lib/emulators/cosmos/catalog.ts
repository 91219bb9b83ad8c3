import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { badRequest, conflict, notFound } from "./failure.ts";
import { closeItems, type ItemStore, openItems } from "./item_store.ts";
import type { JsonObject } from "./json.ts";
import { parsePartitionKey, type PartitionKeyDefinition } from "./partition_key.ts";
import { containerRid, databaseRid } from "./resource_id.ts";
import { uniqueKeys } from "./unique_keys.ts";

/** A database: a name over containers. */
export interface Database {
  number: number;
  id: string;
  rid: string;
  /** Seconds since 1970 of the last change. */
  ts: number;
  containers: Map<string, Container>;
}

/** A container and its items, which lie in an SQLite file of their own. */
export interface Container {
  number: number;
  id: string;
  rid: string;
  self: string;
  ts: number;
  /** Number of changes of the definition, for its ETag. */
  revision: number;
  definition: JsonObject;
  partitionKey: PartitionKeyDefinition;
  /** Seconds an item lives; -1: only by its own ttl; undefined: items live for ever. */
  defaultTtl: number | undefined;
  items: ItemStore;
}

/** All databases and containers of an account, in memory and in `catalog.sqlite`. */
export interface Catalog {
  directory: string;
  file: DatabaseSync;
  databases: Map<string, Database>;
}

/** Opens the catalog of `directory`, creating it, and clears files of deleted containers. */
export function openCatalog(directory: string): Catalog {
  mkdirSync(join(directory, "containers"), { recursive: true });
  const file = new DatabaseSync(join(directory, "catalog.sqlite"));
  file.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS databases (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, ts INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS containers (
      number INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL, id TEXT NOT NULL,
      definition TEXT NOT NULL, revision INTEGER NOT NULL, ts INTEGER NOT NULL,
      UNIQUE (database, id));`);
  const catalog: Catalog = { directory, file, databases: new Map() };
  loadDatabases(catalog);
  clearOrphans(catalog);
  return catalog;
}

/** Closes all files. */
export function closeCatalog(catalog: Catalog): void {
  for (const database of catalog.databases.values()) {
    for (const container of database.containers.values()) closeItems(container.items);
  }
  catalog.file.close();
}

/** A setting kept with the account, made by `create` the first time. */
export function keepSetting(catalog: Catalog, name: string, create: () => string): string {
  const row = catalog.file.prepare("SELECT value FROM settings WHERE name = ?").get(name);
  if (row !== undefined) return String(row.value);
  const value = create();
  catalog.file.prepare("INSERT INTO settings VALUES (?, ?)").run(name, value);
  return value;
}

/** @throws {CosmosFailure} 404 */
export function findDatabase(catalog: Catalog, id: string): Database {
  const database = catalog.databases.get(id);
  if (database === undefined) throw notFound();
  return database;
}

/** @throws {CosmosFailure} 404 */
export function findContainer(catalog: Catalog, database: string, id: string): Container {
  const container = findDatabase(catalog, database).containers.get(id);
  if (container === undefined) throw notFound();
  return container;
}

/** @throws {CosmosFailure} 409 when the id is taken */
export function createDatabase(catalog: Catalog, id: string, ts: number): Database {
  if (catalog.databases.has(id)) throw conflict();
  const { lastInsertRowid } = catalog.file
    .prepare("INSERT INTO databases (id, ts) VALUES (?, ?)").run(id, ts);
  const number = Number(lastInsertRowid);
  const database = { number, id, rid: databaseRid(number), ts, containers: new Map() };
  catalog.databases.set(id, database);
  return database;
}

/** Deletes a database with its containers. @throws {CosmosFailure} 404 */
export function deleteDatabase(catalog: Catalog, id: string): void {
  const database = findDatabase(catalog, id);
  for (const container of [...database.containers.keys()]) deleteContainer(catalog, id, container);
  catalog.file.prepare("DELETE FROM databases WHERE number = ?").run(database.number);
  catalog.databases.delete(id);
}

/**
 * Creates a container.
 *
 * @throws {CosmosFailure} 404 without the database, 409 when the id is taken, 400 for a wrong
 *   partition key or unique key
 */
export function createContainer(
  catalog: Catalog,
  databaseId: string,
  definition: JsonObject & { id: string },
  ts: number,
): Container {
  const database = findDatabase(catalog, databaseId);
  if (database.containers.has(definition.id)) throw conflict();
  uniqueKeys(definition, parsePartitionKey(definition.partitionKey));
  checkDefinition(definition);
  const { lastInsertRowid } = catalog.file.prepare(
    "INSERT INTO containers (database, id, definition, revision, ts) VALUES (?, ?, ?, 1, ?)",
  ).run(database.number, definition.id, JSON.stringify(definition), ts);
  const container = toContainer(catalog, database, Number(lastInsertRowid), definition, 1, ts);
  database.containers.set(definition.id, container);
  return container;
}

/**
 * Changes the parts of a definition that may change: TTL and indexing policy.
 *
 * @throws {CosmosFailure} 400 for another id, partition key or unique key, or a wrong time to live
 */
export function replaceContainer(
  catalog: Catalog,
  container: Container,
  definition: JsonObject,
  ts: number,
): void {
  if (definition.id !== container.id) throw badRequest("The id of a container cannot be changed.");
  const { paths, kind } = parsePartitionKey(definition.partitionKey);
  if (JSON.stringify([paths, kind]) !== JSON.stringify(keyShape(container))) {
    throw badRequest("The partition key definition of a container cannot be changed.");
  }
  const { uniqueKeyPolicy } = container.definition;
  const policy = definition.uniqueKeyPolicy ?? uniqueKeyPolicy;
  if (JSON.stringify(policy) !== JSON.stringify(uniqueKeyPolicy)) {
    throw badRequest("The unique key policy of a container cannot be changed.");
  }
  checkDefinition(definition);
  container.definition = withoutSystemProperties({
    ...definition,
    ...(policy === undefined ? {} : { uniqueKeyPolicy: policy }),
  });
  container.revision++;
  container.ts = ts;
  container.defaultTtl = ttlOf(definition);
  catalog.file.prepare(
    "UPDATE containers SET definition = ?, revision = ?, ts = ? WHERE number = ?",
  )
    .run(JSON.stringify(container.definition), container.revision, ts, container.number);
}

/** Deletes a container and its file, however many items it holds. @throws {CosmosFailure} 404 */
export function deleteContainer(catalog: Catalog, databaseId: string, id: string): void {
  const container = findContainer(catalog, databaseId, id);
  catalog.file.prepare("DELETE FROM containers WHERE number = ?").run(container.number);
  findDatabase(catalog, databaseId).containers.delete(id);
  closeItems(container.items);
  removeFiles(containerFile(catalog, container.number));
}

function loadDatabases(catalog: Catalog): void {
  for (const row of catalog.file.prepare("SELECT * FROM databases ORDER BY number").all()) {
    const number = Number(row.number);
    const id = String(row.id);
    const database = {
      number,
      id,
      rid: databaseRid(number),
      ts: Number(row.ts),
      containers: new Map<string, Container>(),
    };
    catalog.databases.set(id, database);
    const rows = catalog.file
      .prepare("SELECT * FROM containers WHERE database = ? ORDER BY number").all(number);
    for (const found of rows) {
      const definition = JSON.parse(String(found.definition)) as JsonObject & { id: string };
      const [own, revision, ts] = [found.number, found.revision, found.ts].map(Number);
      const container = toContainer(catalog, database, own!, definition, revision!, ts!);
      database.containers.set(container.id, container);
    }
  }
}

function toContainer(
  catalog: Catalog,
  database: Database,
  number: number,
  definition: JsonObject & { id: string },
  revision: number,
  ts: number,
): Container {
  const rid = containerRid(database.number, number);
  const self = `dbs/${database.rid}/colls/${rid}/`;
  const partitionKey = parsePartitionKey(definition.partitionKey);
  const unique = uniqueKeys(definition, partitionKey);
  return {
    number,
    id: definition.id,
    rid,
    self,
    ts,
    revision,
    definition,
    partitionKey,
    defaultTtl: ttlOf(definition),
    items: openItems(containerFile(catalog, number), { number, rid, self }, unique),
  };
}

function keyShape({ partitionKey: { paths, kind } }: Container): unknown {
  return [paths, kind];
}

function withoutSystemProperties(definition: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(definition).filter(([name]) => !name.startsWith("_")));
}

function checkDefinition({ defaultTtl, computedProperties }: JsonObject): void {
  if (Array.isArray(computedProperties) && computedProperties.length > 0) {
    throw badRequest("This local store has no computed properties.");
  }
  if (defaultTtl === undefined || defaultTtl === null) return;
  const valid = typeof defaultTtl === "number" && Number.isInteger(defaultTtl) &&
    (defaultTtl === -1 || (defaultTtl > 0 && defaultTtl <= 2_147_483_647));
  if (valid) return;
  throw badRequest(
    `The default time to live ${JSON.stringify(defaultTtl)} is invalid: it must be a nonzero ` +
      "positive integer of seconds up to 2147483647, or -1.",
  );
}

function ttlOf(definition: JsonObject): number | undefined {
  return typeof definition.defaultTtl === "number" ? definition.defaultTtl : undefined;
}

function containerFile(catalog: Catalog, number: number): string {
  return join(catalog.directory, "containers", `${number}.sqlite`);
}

function clearOrphans(catalog: Catalog): void {
  const known = new Set<string>();
  for (const database of catalog.databases.values()) {
    for (const container of database.containers.values()) known.add(`${container.number}.sqlite`);
  }
  for (const name of readdirSync(join(catalog.directory, "containers"))) {
    const file = name.replace(/-(wal|shm)$/, "");
    if (!known.has(file) && isContainerFile(file)) {
      removeFiles(join(catalog.directory, "containers", file));
    }
  }
}

function isContainerFile(name: string): boolean {
  return /^\d+\.sqlite$/.test(name);
}

function removeFiles(file: string): void {
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(file + suffix)) rmSync(file + suffix, { force: true });
  }
}
