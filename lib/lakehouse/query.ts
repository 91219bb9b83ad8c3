import type { DataFrame } from "nodejs-polars";
import { join } from "node:path";
import { explainFailure } from "./failure.ts";
import { type Lakehouse, type Session, useSession, withSession } from "./lake.ts";
import { quoteName, quoteText } from "./schema.ts";
import { prepareViews, sessionFor } from "./views.ts";

/**
 * Runs a query and returns its rows as a polars frame. Names of tables mean their newest versions;
 * a bare name is a table of the database `clickstream`.
 *
 * The frame holds integers of 64 bits exactly, but polars rounds them to JavaScript numbers in
 * `toArray`, `rows` and `toRecords`: take ids out with `toTypedArray`, as text, or by
 * {@link records}.
 *
 * @throws {Error} what the engine says of the query
 */
export async function query(lake: Lakehouse, sql: string): Promise<DataFrame> {
  const file = join(lake.scratch, `${crypto.randomUUID()}.parquet`);
  try {
    await onSession(lake, sql, async (session) => {
      const rows = await withoutHugeIntegers(session, trim(sql));
      await session.connection.run(
        `COPY (${rows}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION lz4_raw)`,
      );
    });
    const pl = await import("nodejs-polars");
    return pl.default.readParquet(file);
  } finally {
    await Deno.remove(file).catch(() => {});
  }
}

/**
 * A sum of integers has 128 bits, which a frame cannot hold: it becomes a double, and one that
 * would be rounded is an error.
 */
async function withoutHugeIntegers(session: Session, sql: string): Promise<string> {
  const prepared = await session.connection.prepare(sql);
  const columns: string[] = [];
  for (let index = 0; index < prepared.columnCount; index++) {
    if (!/^U?HUGEINT$/.test(String(prepared.columnType(index)))) continue;
    const name = quoteName(prepared.columnName(index));
    columns.push(
      `CASE WHEN abs(${name}) > 9007199254740992 THEN error('Conversion Error: ' || ${name} || ` +
        `' is too great for a number: cast the sum to BIGINT or VARCHAR') ELSE ${name}::DOUBLE END AS ${name}`,
    );
  }
  prepared.destroySync();
  return columns.length === 0 ? sql : `SELECT * REPLACE (${columns.join(", ")}) FROM (${sql}\n)`;
}

/**
 * Runs a query and returns its rows as objects: for small results. Integers of 64 bits come as
 * bigint, timestamps as Date (to the millisecond), decimals as number.
 *
 * @throws {Error} what the engine says of the query
 */
export async function records(lake: Lakehouse, sql: string): Promise<Record<string, unknown>[]> {
  const reader = await onSession(
    lake,
    sql,
    (session) => session.connection.runAndReadAll(trim(sql)),
  );
  return reader.getRowObjectsJS() as Record<string, unknown>[];
}

const CREATED =
  /\bcreate\s+(?:or\s+replace\s+)?(?:temp|temporary)?\s*(?:table|view|macro)\s+(?:if\s+not\s+exists\s+)?"?([A-Za-z_]\w*)/gi;

/** Runs statements that make temporary tables, views or macros; later queries may use them. */
export async function execute(lake: Lakehouse, sql: string): Promise<void> {
  const session = lake.main;
  await useSession(session, async () => {
    await prepareViews(lake, session, sql);
    await session.connection.run(sql);
  });
  for (const [, name] of sql.matchAll(CREATED)) session.localNames.add(name!.toLowerCase());
}

async function onSession<T>(
  lake: Lakehouse,
  sql: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = sessionFor(lake, sql);
  const run = async (used: Session) => {
    try {
      await prepareViews(lake, used, sql, { skipFiles: session === null });
      return await work(used);
    } catch (cause) {
      throw explainFailure("The query", cause);
    }
  };
  return session === null
    ? await withSession(lake, run)
    : await useSession(session, () => run(session));
}

function trim(sql: string): string {
  return sql.trim().replace(/;\s*$/, "");
}
