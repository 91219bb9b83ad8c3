import type { AddFile } from "./actions.ts";
import { removeAction, transact, txnActions, type WriteOptions } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { existing, latestSnapshot } from "./log.ts";
import { mayMatch, parseCondition } from "./predicate.ts";
import { matchingFiles, namedRelation } from "./rewrite.ts";
import { quoteText } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSource, type Source, withSource } from "./source.ts";
import { conform, writeFiles } from "./write.ts";

/** Which rows {@link replaceRows} replaces. */
export interface ReplaceOptions extends WriteOptions {
  /** Condition of the rows. */
  where: string;
}

/**
 * Replaces the rows for which a condition is true by those of a source, in one commit. Without rows
 * on either side there is none.
 */
export async function replaceRows(
  lake: Lakehouse,
  table: string,
  source: Source,
  options: ReplaceOptions,
): Promise<number> {
  const { where } = options;
  const { fields } = await latestSnapshot(lake, table);
  return await withSource(lake, source, fields, async (open) => {
    const { session } = open;
    const condition = await parseCondition(session, where);
    return await transact(lake, table, async (found) => {
      const snapshot = existing(table, found);
      const matches = await matchingFiles(lake, session, snapshot, { sql: where, condition });
      const removed = [...matches.whole, ...matches.partly];
      const files = await writeRows(lake, open, snapshot, where, matches.partly);
      if (removed.length + files.length === 0 && !options.txn?.length) return null;
      return {
        actions: [
          ...txnActions(options.txn),
          ...removed.map((file) => removeAction(file)),
          ...files.map((add) => ({ add })),
        ],
        info: {
          operation: options.operation ?? "WRITE",
          operationParameters: { mode: "Overwrite", predicate: where },
        },
        reads: (file) => mayMatch(snapshot, file, condition),
      };
    });
  });
}

/** Writes the source's rows, and with them those of files that stay though others of theirs go. */
async function writeRows(
  lake: Lakehouse,
  open: OpenSource,
  snapshot: Snapshot,
  where: string,
  partly: AddFile[],
): Promise<AddFile[]> {
  const rows = checkedRows(open, snapshot, where);
  const relation = partly.length === 0 ? rows : `(SELECT * FROM ${rows} UNION ALL
    SELECT * FROM ${namedRelation(lake, snapshot, partly)} WHERE (${where}\n) IS NOT TRUE)`;
  try {
    return await writeFiles(lake, open, snapshot, relation);
  } catch (cause) {
    if (!(cause instanceof Error) || !cause.message.includes(OTHER_ROWS)) throw cause;
    throw new SchemaError(
      `Table ${snapshot.table}: ${OTHER_ROWS} «${where}», which says what to replace: filter them out.`,
      { cause },
    );
  }
}

/** The source's rows; one that does not meet the condition is an error. */
function checkedRows(open: OpenSource, shape: Snapshot, where: string): string {
  return `(SELECT * FROM ${conform(open, shape)}
    WHERE CASE WHEN (${where}\n) THEN true ELSE error(${quoteText(OTHER_ROWS)}) END)`;
}

const OTHER_ROWS = "rows of the source do not meet the condition";
