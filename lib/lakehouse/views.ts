import type { AddFile } from "./actions.ts";
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Lakehouse, type Session } from "./lake.ts";
import { findSnapshot } from "./log.ts";
import { DEFAULT_DATABASE, parseTableName, type TableName } from "./names.ts";
import { type Condition, mayMatch, parseQuery } from "./predicate.ts";
import { relationSql } from "./relation.ts";
import { quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { foldersIn } from "./storage.ts";
import { viewsIn } from "./storedView.ts";

/**
 * The session on which a text must run: that of the connection it was given for, the main one when
 * it uses what {@link execute} made there, or null when any will do.
 */
export function sessionFor(
  lake: Lakehouse,
  sql: string,
  connection?: DuckDBConnection,
): Session | null {
  if (connection !== undefined) {
    let session = lake.given.get(connection);
    if (session === undefined) {
      session = {
        connection,
        views: new Map(),
        databases: new Set(),
        busy: Promise.resolve(),
        localNames: new Set(),
      };
      lake.given.set(connection, session);
    }
    return session;
  }
  const local = lake.main.localNames;
  if (local.size === 0) return null;
  return words(sql).some((word) => local.has(word.toLowerCase())) ? lake.main : null;
}

/** How {@link prepareViews} makes tables readable. */
export interface ViewOptions {
  /**
   * Leave files out that cannot have rows for the text's conditions. Only for a text that is run
   * once, on a session whose tables nothing else refers to. @default false
   */
  skipFiles?: boolean;
}

/** Makes every table that the text may mean readable on the session, at its newest version. */
export async function prepareViews(
  lake: Lakehouse,
  session: Session,
  sql: string,
  options: ViewOptions = {},
): Promise<void> {
  const snapshots: Snapshot[] = [];
  const stored = await viewsIn(lake, sql);
  const text = [sql, ...stored.map((view) => view.sql)].join("\n");
  for (const name of await tablesIn(lake, text)) {
    const snapshot = await findSnapshot(lake, name);
    if (snapshot !== null) snapshots.push(snapshot);
  }
  const worthIt = options.skipFiles && stored.length === 0 &&
    snapshots.some((snapshot) => snapshot.files.size > FEW_FILES);
  const tree = worthIt ? await parseQuery(session, sql) : null;
  for (const snapshot of snapshots) {
    const relation = relationSql(lake, snapshot, { files: filesFor(snapshot, tree) });
    await makeView(session, snapshot.table, `SELECT * FROM ${relation}`);
  }
  for (const view of stored) await makeView(session, view.name.full, view.sql);
}

/** Lets the session read a query under the name `database.table`. */
async function makeView(session: Session, name: string, sql: string): Promise<void> {
  if (session.views.get(name) === sql) return;
  const [database, table] = name.split(".") as [string, string];
  if (!session.databases.has(database)) {
    await session.connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteName(database)}`);
    session.databases.add(database);
  }
  await session.connection.run(
    `CREATE OR REPLACE VIEW ${quoteName(database)}.${quoteName(table)} AS ${sql}`,
  );
  session.views.set(name, sql);
}

/** With fewer files, finding those to leave out costs more than reading their ends. */
const FEW_FILES = 4;

interface QueryNode {
  type?: string;
  table_name?: string;
  from_table?: QueryNode;
  where_clause?: Condition;
}

/** The files that a query can need: known when it names the table once, alone after FROM. */
function filesFor(snapshot: Snapshot, tree: unknown): Iterable<AddFile> {
  const name = snapshot.table.split(".")[1]!.toLowerCase();
  let uses = 0;
  let condition: Condition | undefined;
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== "object") return;
    const node = value as QueryNode;
    if (node.type === "BASE_TABLE" && node.table_name?.toLowerCase() === name) uses++;
    if (node.type === "SELECT_NODE" && node.from_table?.table_name?.toLowerCase() === name) {
      condition = node.where_clause;
    }
    Object.values(node).forEach(visit);
  };
  if (tree !== null) visit(tree);
  const files = [...snapshot.files.values()];
  if (uses !== 1 || condition === undefined) return files;
  return files.filter((file) => mayMatch(snapshot, file, condition!));
}

/** Tables of the lakehouse whose names stand in the text. One too many costs time, no more. */
async function tablesIn(lake: Lakehouse, sql: string): Promise<TableName[]> {
  const found = new Map<string, TableName>();
  const written = words(sql);
  for (const [index, word] of written.entries()) {
    for (const text of [word, `${written[index - 1]}.${word}`]) {
      const name = nameIfGood(text);
      if (name === null || found.has(name.full)) continue;
      if (name.database !== DEFAULT_DATABASE && text === word) continue;
      if (await isTable(lake, name)) found.set(name.full, name);
    }
  }
  return [...found.values()];
}

async function isTable(lake: Lakehouse, name: TableName): Promise<boolean> {
  if (lake.logs.get(name.folder)?.snapshot != null) return true;
  return (await foldersIn(lake.storage, name.folder)).includes("_delta_log");
}

function nameIfGood(text: string): TableName | null {
  return /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(text) ? parseTableName(text) : null;
}

function words(sql: string): string[] {
  return sql.match(/[A-Za-z_]\w*/g) ?? [];
}
