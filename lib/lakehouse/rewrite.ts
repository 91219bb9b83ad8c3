import type { AddFile } from "./actions.ts";
import { exchange, transact, type WriteOptions } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import { explainFailure } from "./failure.ts";
import type { Lakehouse, Session } from "./lake.ts";
import { existing } from "./log.ts";
import { type Condition, mayMatch, mustMatch, parseCondition } from "./predicate.ts";
import { locateFile, relationSql } from "./relation.ts";
import { duckType, quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { prepareViews } from "./views.ts";
import { writeFiles } from "./write.ts";

/** What becomes of the rows for which a condition is true. */
export interface RowChange {
  /** The condition, in SQL. */
  where: string;
  /** SQL of their new values by column. @default the rows go */
  set?: Readonly<Record<string, string>>;
  /** A relation of rows that come besides, with the table's columns. @default none */
  insert?: (snapshot: Snapshot) => string;
  /** For the history. */
  operation: string;
  /** For the history. @default the condition */
  parameters?: Record<string, unknown>;
}

/**
 * Changes the rows for which a condition is true: files with such rows are taken out, and written
 * anew if a row of them is left. Files that cannot have such rows, as the log tells, are not read.
 *
 * @returns the version after it
 */
export async function rewriteRows(
  lake: Lakehouse,
  session: Session,
  table: string,
  change: RowChange,
  options: WriteOptions,
): Promise<number> {
  const { where, set = {}, operation } = change;
  const condition = await parseCondition(session, where);
  await prepareViews(lake, session, [where, ...Object.values(set)].join(" "));
  return await transact(lake, table, async (found) => {
    const snapshot = existing(table, found);
    const columns = columnsAfter(snapshot, set, { when: where, of: aliasOf(snapshot) });
    const { all, partly } = await matchingFiles(lake, session, snapshot, { where, condition });
    const left = change.set === undefined ? partly : all;
    const keeps = change.set === undefined ? `(${where}\n) IS NOT TRUE` : "true";
    const stay = `SELECT ${columns} FROM ${namedRelation(lake, snapshot, left)} WHERE ${keeps}`;
    const selects = [
      ...left.length === 0 ? [] : [stay],
      ...change.insert === undefined ? [] : [`SELECT * FROM ${change.insert(snapshot)}`],
    ];
    const added = selects.length === 0
      ? []
      : await writeFiles(lake, { session }, snapshot, `(${selects.join(" UNION ALL BY NAME ")})`);
    return exchange(
      {
        operation,
        parameters: change.parameters ?? { predicate: JSON.stringify([where]) },
        removed: all,
        added,
        reads: (file) => mayMatch(snapshot, file, condition),
      },
      snapshot,
      options,
    );
  });
}

function aliasOf(snapshot: Snapshot): string {
  return quoteName(snapshot.table.split(".").at(-1)!);
}

/** A relation under the table's bare name, so that conditions may say `table.column`. */
function namedRelation(
  lake: Lakehouse,
  snapshot: Snapshot,
  files: AddFile[],
  fileColumn?: string,
): string {
  const options = { files, ...(fileColumn === undefined ? {} : { fileColumn }) };
  return `${relationSql(lake, snapshot, options)} AS ${aliasOf(snapshot)}`;
}

/**
 * Files with rows for which a condition is true: all of them, and those that have others too. Files
 * of which the log tells enough are not read.
 */
async function matchingFiles(
  lake: Lakehouse,
  session: Session,
  snapshot: Snapshot,
  { where, condition }: { where: string; condition: Condition },
): Promise<{ all: AddFile[]; partly: AddFile[] }> {
  const possible = [...snapshot.files.values()].filter((file) =>
    mayMatch(snapshot, file, condition)
  );
  const candidates = possible.filter((file) => !mustMatch(snapshot, file, condition));
  if (candidates.length === 0) return { all: possible, partly: [] };
  try {
    const result = await session.connection.runAndReadAll(
      `SELECT __file, bool_and((${where}\n) IS TRUE)
       FROM ${namedRelation(lake, snapshot, candidates, "__file")}
       GROUP BY __file HAVING bool_or(${where}\n)`,
    );
    const whole = new Map(result.getRows().map(([file, all]) => [String(file), all === true]));
    const wholeOf = (file: AddFile) => whole.get(locateFile(lake, snapshot, file));
    const read = new Set(candidates);
    const all = possible.filter((file) => !read.has(file) || wholeOf(file) !== undefined);
    return { all, partly: all.filter((file) => wholeOf(file) === false) };
  } catch (cause) {
    throw explainFailure(`Table ${snapshot.table}`, cause);
  }
}

/**
 * Select list of a table's columns, some of which get new values.
 *
 * @param set SQL of the new values by column
 * @param rows the relation `of` the old rows, and the condition `when` one gets the new values
 * @throws {SchemaError} when a column is not there
 */
export function columnsAfter(
  { table, fields }: Pick<Snapshot, "table" | "fields">,
  set: Readonly<Record<string, string>>,
  { when, of }: { when: string; of: string },
): string {
  const values = new Map(Object.entries(set).map(([name, sql]) => [name.toLowerCase(), sql]));
  const known = new Set(fields.map((field) => field.name.toLowerCase()));
  const absent = Object.keys(set).find((name) => !known.has(name.toLowerCase()));
  if (absent !== undefined) throw new SchemaError(`Table ${table} has no column ${absent}.`);
  return fields.map((field) => {
    const name = quoteName(field.name);
    const sql = values.get(field.name.toLowerCase());
    if (sql === undefined) return `${of}.${name} AS ${name}`;
    const type = duckType(field.type);
    return `CASE WHEN (${when}\n) THEN (${sql}\n)::${type} ELSE ${of}.${name} END AS ${name}`;
  }).join(", ");
}
