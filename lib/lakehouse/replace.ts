import type { WriteOptions } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import { holdsFilesOf } from "./evolve.ts";
import type { Lakehouse } from "./lake.ts";
import { latestSnapshot } from "./log.ts";
import { rewriteRows } from "./rewrite.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSource, type Source, withSource } from "./source.ts";
import { conform, writeFiles } from "./write.ts";

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
  let shape = await latestSnapshot(lake, table);
  return await withSource(lake, source, shape.fields, async (open) => {
    await checkRows(open, shape.table, conform(open, shape), where);
    const write = () => writeFiles(lake, open, shape, conform(open, shape));
    let files = await write();
    const insert = async (snapshot: Snapshot) => {
      if (!holdsFilesOf(snapshot, shape)) {
        shape = snapshot;
        files = await write();
      }
      return files;
    };
    const parameters = { mode: "Overwrite", predicate: where };
    const change = { where, insert, operation: "WRITE", parameters };
    return await rewriteRows(lake, open.session, table, change, options);
  });
}

async function checkRows(
  open: OpenSource,
  table: string,
  relation: string,
  where: string,
): Promise<void> {
  const result = await open.session.connection.runAndReadAll(
    `SELECT count(*) FROM ${relation} WHERE (${where}\n) IS NOT TRUE`,
  );
  const others = Number(result.getRows()[0]![0]);
  if (others === 0) return;
  throw new SchemaError(
    `Table ${table}: ${others} rows of the source do not meet «${where}», which says what to replace: filter them out.`,
  );
}
