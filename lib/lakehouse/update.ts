import { removeAction, transact, txnActions, type WriteOptions } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import { existing } from "./log.ts";
import { mayMatch, parseCondition } from "./predicate.ts";
import { matchingFiles, namedRelation } from "./rewrite.ts";
import { duckType, type Field, quoteName } from "./schema.ts";
import { prepareViews } from "./views.ts";
import { writeFiles } from "./write.ts";

/** What {@link updateTable} changes. */
export interface UpdateOptions extends WriteOptions {
  /** SQL of the new value by column; it sees the old row. */
  set: Record<string, string>;
  /** Condition of the rows to change. @default all rows */
  where?: string;
}

/**
 * Changes columns of the rows for which a condition is true. Without such rows there is no commit.
 *
 * @returns the version after it
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when a column is not there, or a value does not fit it
 */
export async function updateTable(
  lake: Lakehouse,
  table: string,
  options: UpdateOptions,
): Promise<number> {
  const predicate = options.where ?? "true";
  return await withSession(lake, async (session) => {
    const condition = await parseCondition(session, predicate);
    await prepareViews(lake, session, [predicate, ...Object.values(options.set)].join(" "));
    return await transact(lake, table, async (found) => {
      const snapshot = existing(table, found);
      const changed = assignments(snapshot.table, snapshot.fields, options.set)
        .map(([field, sql]) => {
          const name = quoteName(field.name);
          return `CASE WHEN (${predicate}\n) THEN (${sql}\n)::${
            duckType(field.type)
          } ELSE ${name} END AS ${name}`;
        });
      const matches = await matchingFiles(lake, session, snapshot, { sql: predicate, condition });
      const touched = [...matches.whole, ...matches.partly];
      if (touched.length === 0 || changed.length === 0) return null;
      const relation = `(SELECT * REPLACE (${changed.join(", ")})
        FROM ${namedRelation(lake, snapshot, touched)})`;
      const written = await writeFiles(lake, { session }, snapshot, relation);
      return {
        actions: [
          ...txnActions(options.txn, snapshot),
          ...touched.map((file) => removeAction(file)),
          ...written.map((add) => ({ add })),
        ],
        info: {
          operation: options.operation ?? "UPDATE",
          operationParameters: { predicate: JSON.stringify([predicate]) },
        },
        reads: (file) => mayMatch(snapshot, file, condition),
      };
    });
  });
}

/**
 * The table's fields that get new values, with the SQL of these.
 *
 * @throws {SchemaError} when a column is not there
 */
export function assignments(
  table: string,
  fields: readonly Field[],
  set: Readonly<Record<string, string>>,
): [Field, string][] {
  return Object.entries(set).map(([name, sql]) => {
    const field = fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
    if (field === undefined) throw new SchemaError(`Table ${table} has no column ${name}.`);
    return [field, sql];
  });
}
