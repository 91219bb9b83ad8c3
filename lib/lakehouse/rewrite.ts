import type { AddFile } from "./actions.ts";
import { explainFailure } from "./failure.ts";
import type { Lakehouse, Session } from "./lake.ts";
import { type Condition, mayMatch, mustMatch } from "./predicate.ts";
import { locateFile, relationSql } from "./relation.ts";
import { quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";

/** Files with rows for which a condition is true. */
export interface Matches {
  /** Files of which all rows match. */
  whole: AddFile[];
  /** Files of which some rows match. */
  partly: AddFile[];
}

/** A relation under the table's bare name, so that conditions may say `table.column`. */
export function namedRelation(lake: Lakehouse, snapshot: Snapshot, files: AddFile[]): string {
  const alias = quoteName(snapshot.table.split(".").at(-1)!);
  return `${relationSql(lake, snapshot, { files })} AS ${alias}`;
}

/** Finds the files whose rows match; those of which the log tells enough are not read. */
export async function matchingFiles(
  lake: Lakehouse,
  session: Session,
  snapshot: Snapshot,
  predicate: { sql: string; condition: Condition },
): Promise<Matches> {
  const { condition } = predicate;
  const possible = [...snapshot.files.values()].filter((file) =>
    mayMatch(snapshot, file, condition)
  );
  const certain = possible.filter((file) => mustMatch(snapshot, file, condition));
  const candidates = possible.filter((file) => !certain.includes(file));
  if (candidates.length === 0) return { whole: certain, partly: [] };
  const relation = relationSql(lake, snapshot, { files: candidates, fileColumn: "__file" });
  const alias = quoteName(snapshot.table.split(".").at(-1)!);
  try {
    const result = await session.connection.runAndReadAll(
      `SELECT __file, count(*) FILTER (WHERE (${predicate.sql}\n)), count(*)
       FROM ${relation} AS ${alias} GROUP BY __file`,
    );
    const counts = new Map(
      result.getRows().map(([file, hits, all]) => [String(file), [hits, all]]),
    );
    const [whole, partly]: AddFile[][] = [certain, []];
    for (const file of candidates) {
      const [hits = 0n, all = 0n] = counts.get(locateFile(lake, snapshot, file)) ?? [];
      if (hits === 0n || hits === 0) continue;
      (hits === all ? whole! : partly!).push(file);
    }
    return { whole: whole!, partly: partly! };
  } catch (cause) {
    throw explainFailure(`Table ${snapshot.table}`, cause);
  }
}
