/** Delta tables: log, commit, merge, time travel, maintenance; and SQL over them. */
export { type AppendOptions, appendTo } from "./append.ts";
export { type ChangeOptions, changesBetween } from "./changes.ts";
export type { TransactionId, WriteOptions } from "./commit.ts";
export {
  type CreateOptions,
  createTable,
  dropTable,
  listTables,
  tableExists,
  type TableOptions,
} from "./create.ts";
export { deleteFrom } from "./delete.ts";
export { type DiskUse, diskUse } from "./diskUse.ts";
export * from "./errors.ts";
export { addColumns } from "./evolve.ts";
export { history, type HistoryEntry, type HistoryOptions } from "./history.ts";
export { closeLakehouse, type Lakehouse, type LakehouseOptions, openLakehouse } from "./lake.ts";
export { mergeInto, type MergeOptions } from "./merge.ts";
export type { MergeClauses } from "./mergePlan.ts";
export { optimize, type OptimizeOptions } from "./optimize.ts";
export { type OverwriteOptions, overwriteTable } from "./overwrite.ts";
export { execute, query, records } from "./query.ts";
export { restoreTable } from "./restore.ts";
export { type Column, type ColumnType, quoteText } from "./schema.ts";
export type { Snapshot } from "./snapshot.ts";
export type { Source } from "./source.ts";
export { createView } from "./storedView.ts";
export type { ListOptions, Storage, StoredFile } from "./storage.ts";
export { addedBetween, snapshot, tableAt, tableWhere, type VersionOptions } from "./travel.ts";
export { type UpdateOptions, updateTable } from "./update.ts";
export { vacuum, type VacuumOptions } from "./vacuum.ts";
export { checkpoint, cleanUpLog } from "./writeCheckpoint.ts";
