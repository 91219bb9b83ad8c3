import { transact, txnActions, type WriteOptions } from "./commit.ts";
import type { Lakehouse } from "./lake.ts";
import { latestSnapshot } from "./log.ts";
import { type Source, withSource } from "./source.ts";
import { conform, writeFiles } from "./write.ts";

/**
 * Appends rows. The data is written once; of writers at the same time all succeed.
 *
 * @returns the version committed
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when the source does not fit the table
 */
export async function appendTo(
  lake: Lakehouse,
  table: string,
  source: Source,
  options: WriteOptions = {},
): Promise<number> {
  const shape = await latestSnapshot(lake, table);
  const files = await withSource(
    lake,
    source,
    shape.fields,
    (open) => writeFiles(lake, open, shape, conform(open, shape)),
  );
  return await transact(lake, table, () =>
    Promise.resolve({
      actions: [...txnActions(options.txn), ...files.map((add) => ({ add }))],
      info: { operation: options.operation ?? "WRITE", operationParameters: { mode: "Append" } },
      blind: true,
    }));
}
