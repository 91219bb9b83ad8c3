import { DatabaseSync, type StatementSync } from "node:sqlite";
import { etagOf, itemRids } from "./resource_id.ts";

/** An item as stored: its body without system properties, and what those are made from. */
export interface StoredItem {
  /** Row number; also the item's place in the feed. */
  row: number;
  pk: string;
  id: string;
  body: string;
  /** Number of the container's change that wrote this version. */
  lsn: number;
  /** Seconds since 1970. */
  ts: number;
  /** Seconds to live of its own; null: the container's. */
  ttl: number | null;
}

/** The items of one container, in an SQLite file of their own: deleting it is deleting a file. */
export interface ItemStore {
  file: DatabaseSync;
  statements: Statements;
  /** Statements of queries, by their text. */
  queries: Map<string, StatementSync>;
  /** Names of the indexes that are known to be there. */
  indexes: Set<string>;
  /** The last change's number. */
  lsn: number;
  /** Numbers up to here are already reserved in the file. */
  reserved: number;
  /** Number of items, kept with every write. */
  count: number;
  number: number;
  ridOf: (row: number) => string;
  self: string;
}

interface Statements {
  get: StatementSync;
  insert: StatementSync;
  upsert: StatementSync;
  update: StatementSync;
  delete: StatementSync;
  times: StatementSync;
  begin: StatementSync;
  commit: StatementSync;
  rollback: StatementSync;
  reserve: StatementSync;
}

const RESERVE = 100_000;

/**
 * Opens a container's file, creating it.
 *
 * WAL with `synchronous = NORMAL`: a commit is in the operating system when it is acknowledged,
 * so it survives the death of the process at any moment, not the loss of power. The folder is
 * locked by its server, so the file is, too, which spares the locks of each statement.
 *
 * @param unique columns of further unique indexes, each within a partition key
 */
export function openItems(
  path: string,
  owner: { number: number; rid: string; self: string },
  unique: string[] = [],
): ItemStore {
  const file = new DatabaseSync(path);
  file.exec(`
    PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
    PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -131072; PRAGMA mmap_size = 1073741824;
    CREATE TABLE IF NOT EXISTS items (
      row INTEGER PRIMARY KEY, pk TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
      lsn INTEGER NOT NULL, ts INTEGER NOT NULL, ttl INTEGER);
    CREATE UNIQUE INDEX IF NOT EXISTS items_key ON items (pk, id);
    CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
    INSERT OR IGNORE INTO state VALUES ('lsn', 0);`);
  for (const [i, columns] of unique.entries()) {
    file.exec(`CREATE UNIQUE INDEX IF NOT EXISTS unique_${i} ON items (pk, ${columns})`);
  }
  const lsn = Number(file.prepare("SELECT value FROM state WHERE name = 'lsn'").get()!.value);
  const count = Number(file.prepare("SELECT count(*) AS n FROM items").get()!.n);
  return {
    file,
    statements: prepare(file),
    queries: new Map(),
    indexes: new Set(),
    lsn,
    reserved: lsn,
    count,
    number: owner.number,
    ridOf: itemRids(owner.rid),
    self: owner.self,
  };
}

function prepare(file: DatabaseSync): Statements {
  return {
    get: file.prepare(
      "SELECT row, pk, id, body, lsn, ts, ttl FROM items WHERE pk = ? AND id = ?",
    ),
    insert: file.prepare(
      "INSERT INTO items (row, pk, id, body, lsn, ts, ttl) VALUES (?1, ?2, ?3, ?4, ?1, ?5, ?6) " +
        "ON CONFLICT DO NOTHING",
    ),
    upsert: file.prepare(
      "INSERT INTO items (row, pk, id, body, lsn, ts, ttl) VALUES (?1, ?2, ?3, ?4, ?1, ?5, ?6) " +
        "ON CONFLICT (pk, id) DO UPDATE SET body = excluded.body, lsn = excluded.lsn, " +
        "ts = excluded.ts, ttl = excluded.ttl RETURNING row",
    ),
    update: file.prepare("UPDATE items SET body = ?2, lsn = ?3, ts = ?4, ttl = ?5 WHERE row = ?1"),
    delete: file.prepare("DELETE FROM items WHERE row = ?"),
    times: file.prepare("SELECT row, ts, ttl FROM items WHERE row > ? ORDER BY row LIMIT ?"),
    begin: file.prepare("BEGIN IMMEDIATE"),
    commit: file.prepare("COMMIT"),
    rollback: file.prepare("ROLLBACK"),
    reserve: file.prepare("UPDATE state SET value = ? WHERE name = 'lsn'"),
  };
}

/** Closes the file. Open items cannot be used any more. */
export function closeItems(store: ItemStore): void {
  if (store.file.isOpen) store.file.close();
}

/** The next change's number. Numbers are reserved in blocks, so a restart leaves a gap. */
export function nextLsn(store: ItemStore): number {
  const lsn = store.lsn + 1;
  if (lsn > store.reserved) {
    store.statements.reserve.run(lsn + RESERVE);
    store.reserved = lsn + RESERVE;
  }
  store.lsn = lsn;
  return lsn;
}

/** The item with this key, undefined when there is none. */
export function getItem(store: ItemStore, pk: string, id: string): StoredItem | undefined {
  return store.statements.get.get(pk, id) as unknown as StoredItem | undefined;
}

/**
 * Runs `body` in one transaction.
 *
 * @returns what `body` returned; when that says `commit: false`, nothing was changed
 */
export function transact<T extends { commit: boolean }>(store: ItemStore, body: () => T): T {
  const { count, lsn, reserved } = store;
  store.statements.begin.run();
  try {
    const result = body();
    if (result.commit) {
      store.statements.commit.run();
      return result;
    }
    rollBack(store, count, lsn, reserved);
    return result;
  } catch (error) {
    rollBack(store, count, lsn, reserved);
    throw error;
  }
}

function rollBack(store: ItemStore, count: number, lsn: number, reserved: number): void {
  if (store.file.isTransaction) store.statements.rollback.run();
  Object.assign(store, { count, lsn, reserved });
}

/** The ETag of an item's version. */
export function itemEtag(store: ItemStore, lsn: number, ts: number): string {
  return etagOf(store.number, lsn, ts);
}

/** The item's JSON with its system properties, made without parsing the body. */
export function itemText(
  store: ItemStore,
  item: { row: number; body: string; lsn: number; ts: number },
): string {
  const rid = store.ridOf(item.row);
  const etag = itemEtag(store, item.lsn, item.ts).replaceAll('"', '\\"');
  return `${item.body.slice(0, -1)},"_rid":"${rid}","_self":"${store.self}docs/${rid}/",` +
    `"_etag":"${etag}","_attachments":"attachments/","_ts":${item.ts}}`;
}
