import { transact, txnActions, type WriteOptions } from "./commit.ts";
import { schemaActions, widenedBy } from "./evolve.ts";
import type { Lakehouse } from "./lake.ts";
import { existing, latestSnapshot } from "./log.ts";
import { type Source, withSource } from "./source.ts";
import { conform, writeFiles } from "./write.ts";

/** How {@link appendTo} writes. */
export interface AppendOptions extends WriteOptions {
  /** Add the source's further columns to the table instead of refusing them. @default false */
  mergeSchema?: boolean;
}

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
  options: AppendOptions = {},
): Promise<number> {
  const before = await latestSnapshot(lake, table);
  return await withSource(lake, source, before.fields, async (open) => {
    const types: ReadonlyMap<string, string> = options.mergeSchema ? open.types : new Map();
    const shape = { ...before, fields: widenedBy(before.fields, types) };
    const files = await writeFiles(lake, open, shape, conform(open, shape));
    return await transact(lake, table, (found) => {
      const snapshot = existing(table, found);
      return Promise.resolve({
        actions: [
          ...schemaActions(snapshot, widenedBy(snapshot.fields, types)),
          ...txnActions(options.txn),
          ...files.map((add) => ({ add })),
        ],
        info: { operation: options.operation ?? "WRITE", operationParameters: { mode: "Append" } },
      });
    });
  });
}
