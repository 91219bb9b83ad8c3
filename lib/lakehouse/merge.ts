import type { AddFile } from "./actions.ts";
import { removeAction, transact, txnActions, type WriteOptions } from "./commit.ts";
import { DuplicateKeyError, SchemaError, TableNotFoundError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { latestSnapshot } from "./log.ts";
import { parseTableName } from "./names.ts";
import { locateFile, relationSql } from "./relation.ts";
import { quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSource, type Source, temporaryName, withSource } from "./source.ts";
import { overlapping } from "./skipping.ts";
import { conform, writeFiles } from "./write.ts";

/** How {@link mergeInto} matches rows. */
export interface MergeOptions extends WriteOptions {
  /** Columns that identify a row; the source has each key once. */
  keys: readonly string[];
}

/**
 * Merges rows by key: a row whose key is there is replaced, others are inserted. Only files that
 * can hold one of the keys are looked at, and only those that do are rewritten.
 *
 * @returns the version committed
 * @throws {DuplicateKeyError} when the source has a key twice
 * @throws {SchemaError} when the source does not fit the table, or a key is null
 */
export async function mergeInto(
  lake: Lakehouse,
  table: string,
  source: Source,
  options: MergeOptions,
): Promise<number> {
  const shape = await latestSnapshot(lake, table);
  return await withSource(lake, source, shape.fields, async (open) => {
    const rows = temporaryName("merge");
    const { connection } = open.session;
    await connection.run(`CREATE TEMP TABLE ${rows} AS SELECT * FROM ${conform(open, shape)}`);
    try {
      await checkKeys(open, rows, shape, options.keys);
      return await transact(lake, table, async (snapshot) => {
        if (snapshot === null) {
          throw new TableNotFoundError(
            `Table ${parseTableName(table).full} was dropped meanwhile.`,
          );
        }
        const touched = await touchedFiles(lake, open, snapshot, rows, options.keys);
        const written = await writeMerged(lake, open, snapshot, touched, rows, options.keys);
        return {
          actions: [
            ...txnActions(options.txn),
            ...touched.map(removeAction),
            ...written.map((add) => ({ add })),
          ],
          info: {
            operation: options.operation ?? "MERGE",
            operationParameters: { predicate: options.keys.join(", ") },
          },
          blind: false,
        };
      });
    } finally {
      await connection.run(`DROP TABLE temp.${rows}`);
    }
  });
}

async function checkKeys(
  open: OpenSource,
  rows: string,
  shape: Snapshot,
  keys: readonly string[],
): Promise<void> {
  const names = keys.map(quoteName).join(", ");
  const result = await open.session.connection.runAndReadAll(
    `SELECT count(*) FILTER (${keys.map((k) => `${quoteName(k)} IS NULL`).join(" OR ")}),
      count(*) - count(DISTINCT (${names})) FROM temp.${rows}`,
  );
  const [nulls, repeated] = result.getRows()[0]!.map(Number);
  if (nulls! > 0) {
    throw new SchemaError(
      `Table ${shape.table}: ${nulls} rows of the merge source have a null key.`,
    );
  }
  if (repeated! > 0) {
    throw new DuplicateKeyError(
      `Table ${shape.table}: the merge source has ${repeated} rows whose key (${
        keys.join(", ")
      }) is there already: keep one row a key.`,
    );
  }
}

/** The files that hold one of the source's keys. */
async function touchedFiles(
  lake: Lakehouse,
  open: OpenSource,
  snapshot: Snapshot,
  rows: string,
  keys: readonly string[],
): Promise<AddFile[]> {
  const candidates = await overlapping(open, snapshot, rows, keys);
  if (candidates.length === 0) return [];
  const relation = relationSql(lake, snapshot, {
    files: candidates,
    columns: keys,
    fileColumn: "__file",
  });
  const names = keys.map(quoteName).join(", ");
  const result = await open.session.connection.runAndReadAll(
    `SELECT DISTINCT __file FROM ${relation} SEMI JOIN temp.${rows} USING (${names})`,
  );
  const touched = new Set(result.getRows().map(([file]) => String(file)));
  return candidates.filter((file) => touched.has(locateFile(lake, snapshot, file)));
}

/** Writes the touched files anew, without the source's keys, and the source's rows beside them. */
async function writeMerged(
  lake: Lakehouse,
  open: OpenSource,
  snapshot: Snapshot,
  touched: AddFile[],
  rows: string,
  keys: readonly string[],
): Promise<AddFile[]> {
  const columns = snapshot.fields.map((field) => quoteName(field.name)).join(", ");
  const names = keys.map(quoteName).join(", ");
  const added = await writeFiles(lake, open, snapshot, `temp.${rows}`);
  if (touched.length === 0) return added;
  const kept = `(SELECT ${columns} FROM ${relationSql(lake, snapshot, { files: touched })}
    ANTI JOIN temp.${rows} USING (${names}))`;
  return [...await writeFiles(lake, open, snapshot, kept), ...added];
}
