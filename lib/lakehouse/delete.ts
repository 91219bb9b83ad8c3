import { removeAction, transact, txnActions, type WriteOptions } from "./commit.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import { existing } from "./log.ts";
import { mayMatch, parseCondition } from "./predicate.ts";
import { matchingFiles, namedRelation } from "./rewrite.ts";
import { prepareViews } from "./views.ts";
import { writeFiles } from "./write.ts";

/**
 * Deletes the rows for which an SQL condition is true. Files of which every row goes are only
 * taken out; others with such rows are written anew without them. Without such rows there is no
 * commit.
 *
 * @param predicate what stands after WHERE, such as `user_id = 7`
 * @returns the version after it
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when the predicate is not a condition
 */
export async function deleteFrom(
  lake: Lakehouse,
  table: string,
  predicate: string,
  options: WriteOptions = {},
): Promise<number> {
  return await withSession(lake, async (session) => {
    const condition = await parseCondition(session, predicate);
    await prepareViews(lake, session, predicate);
    return await transact(lake, table, async (found) => {
      const snapshot = existing(table, found);
      const matches = await matchingFiles(lake, session, snapshot, { sql: predicate, condition });
      const touched = [...matches.whole, ...matches.partly];
      if (touched.length === 0) return null;
      const kept = `(SELECT * FROM ${namedRelation(lake, snapshot, matches.partly)}
        WHERE (${predicate}\n) IS NOT TRUE)`;
      const written = matches.partly.length === 0
        ? []
        : await writeFiles(lake, { session }, snapshot, kept);
      return {
        actions: [
          ...txnActions(options.txn, snapshot),
          ...touched.map((file) => removeAction(file)),
          ...written.map((add) => ({ add })),
        ],
        info: {
          operation: options.operation ?? "DELETE",
          operationParameters: { predicate: JSON.stringify([predicate]) },
        },
        reads: (file) => mayMatch(snapshot, file, condition),
      };
    });
  });
}
