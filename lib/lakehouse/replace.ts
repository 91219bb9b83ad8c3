import { removeAction, transact, txnActions, type WriteOptions } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import { holdsFilesOf } from "./evolve.ts";
import type { Lakehouse } from "./lake.ts";
import { existing, latestSnapshot } from "./log.ts";
import { mayMatch, parseCondition } from "./predicate.ts";
import { matchingFiles, namedRelation } from "./rewrite.ts";
import { quoteText } from "./schema.ts";
import { type OpenSource, type Source, withSource } from "./source.ts";
import { conform, type TableShape, writeFiles } from "./write.ts";

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
  let shape = await latestSnapshot(lake, table);
  return await withSource(lake, source, shape.fields, async (open) => {
    const { session } = open;
    const condition = await parseCondition(session, where);
    const write = () =>
      writeFiles(lake, open, shape, checkedRows(open, shape, where)).catch((cause) => {
        if (!String(cause.message).includes(OTHER_ROWS)) throw cause;
        throw new SchemaError(
          `Table ${shape.table}: ${OTHER_ROWS} «${where}», which says what to replace: filter them out.`,
          { cause },
        );
      });
    let files = await write();
    return await transact(lake, table, async (found) => {
      const snapshot = existing(table, found);
      if (!holdsFilesOf(snapshot, shape)) {
        shape = snapshot;
        files = await write();
      }
      const matches = await matchingFiles(lake, session, snapshot, { sql: where, condition });
      const kept = `(SELECT * FROM ${namedRelation(lake, snapshot, matches.partly)}
        WHERE (${where}\n) IS NOT TRUE)`;
      const changes = files.length + matches.whole.length + matches.partly.length > 0;
      if (!changes && !options.txn?.length) return null;
      const written = matches.partly.length === 0
        ? []
        : await writeFiles(lake, open, snapshot, kept);
      return {
        actions: [
          ...txnActions(options.txn),
          ...[...matches.whole, ...matches.partly].map((file) => removeAction(file)),
          ...[...written, ...files].map((add) => ({ add })),
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

/** The source's rows; one that does not meet the condition is an error. */
function checkedRows(open: OpenSource, shape: TableShape, where: string): string {
  return `(SELECT * FROM ${conform(open, shape)}
    WHERE CASE WHEN (${where}\n) THEN true ELSE error(${quoteText(OTHER_ROWS)}) END)`;
}

const OTHER_ROWS = "rows of the source do not meet the condition";
