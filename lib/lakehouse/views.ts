import type { DuckDBConnection } from "@duckdb/node-api";
import { type Lakehouse, type Session } from "./lake.ts";
import { findSnapshot } from "./log.ts";
import { DEFAULT_DATABASE, parseTableName, type TableName } from "./names.ts";
import { relationSql } from "./relation.ts";
import { quoteName } from "./schema.ts";

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

/** Makes every table that the text may mean readable on the session, at its newest version. */
export async function prepareViews(lake: Lakehouse, session: Session, sql: string): Promise<void> {
  for (const name of await tablesIn(lake, sql)) {
    const snapshot = await findSnapshot(lake, name);
    if (snapshot === null) continue;
    const relation = relationSql(lake, snapshot);
    if (session.views.get(name.full) === relation) continue;
    if (!session.databases.has(name.database)) {
      await session.connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteName(name.database)}`);
      session.databases.add(name.database);
    }
    const view = `${quoteName(name.database)}.${quoteName(name.name)}`;
    await session.connection.run(`CREATE OR REPLACE VIEW ${view} AS SELECT * FROM ${relation}`);
    session.views.set(name.full, relation);
  }
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
  return (await lake.storage.stat(`${name.folder}/_delta_log`)) !== null;
}

function nameIfGood(text: string): TableName | null {
  return /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(text) ? parseTableName(text) : null;
}

function words(sql: string): string[] {
  return sql.match(/[A-Za-z_]\w*/g) ?? [];
}
