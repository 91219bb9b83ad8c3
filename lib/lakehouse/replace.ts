import type { WriteOptions } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { latestSnapshot } from "./log.ts";
import { rewriteRows } from "./rewrite.ts";
import { quoteText } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSource, type Source, withSource } from "./source.ts";
import { conform } from "./write.ts";

/** Which rows {@link replaceRows} replaces. */
export interface ReplaceOptions extends WriteOptions {
  /** Condition of the rows. */
  where: string;
}

/** Replaces the rows for which a condition is true by those of a source, in one commit. */
export async function replaceRows(
  lake: Lakehouse,
  table: string,
  source: Source,
  options: ReplaceOptions,
): Promise<number> {
  const { where } = options;
  const { table: name, fields } = await latestSnapshot(lake, table);
  return await withSource(lake, source, fields, async (open) => {
    const insert = (snapshot: Snapshot) => checkedRows(open, snapshot, where);
    const parameters = { mode: "Overwrite", predicate: where };
    const change = { where, insert, operation: "WRITE", parameters };
    try {
      return await rewriteRows(lake, open.session, table, change, options);
    } catch (cause) {
      if (!(cause instanceof Error) || !cause.message.includes(OTHER_ROWS)) throw cause;
      throw new SchemaError(
        `Table ${name}: ${OTHER_ROWS} «${where}», which says what to replace: filter them out.`,
        { cause },
      );
    }
  });
}

/** The source's rows; one that does not meet the condition is an error. */
function checkedRows(open: OpenSource, shape: Snapshot, where: string): string {
  return `(SELECT * FROM ${conform(open, shape)}
    WHERE CASE WHEN (${where}\n) THEN true ELSE error(${quoteText(OTHER_ROWS)}) END)`;
}

const OTHER_ROWS = "rows of the source do not meet the condition";
