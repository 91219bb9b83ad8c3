/** Delta tables: log, commit, merge, time travel; and SQL over them. */
export { appendTo } from "./append.ts";
export type { TransactionId, WriteOptions } from "./commit.ts";
export {
  type CreateOptions,
  createTable,
  dropTable,
  listTables,
  tableExists,
  type TableOptions,
} from "./create.ts";
export * from "./errors.ts";
export { history, type HistoryEntry, type HistoryOptions } from "./history.ts";
export { closeLakehouse, type Lakehouse, type LakehouseOptions, openLakehouse } from "./lake.ts";
export { mergeInto, type MergeOptions } from "./merge.ts";
export { type OverwriteOptions, overwriteTable } from "./overwrite.ts";
export { execute, query, records } from "./query.ts";
export type { Column, ColumnType } from "./schema.ts";
export type { Snapshot } from "./snapshot.ts";
export type { Source } from "./source.ts";
export type { ListOptions, Storage, StoredFile } from "./storage.ts";
export { addedBetween, snapshot, tableAt, type VersionOptions } from "./travel.ts";
export { checkpoint, cleanUpLog } from "./writeCheckpoint.ts";
