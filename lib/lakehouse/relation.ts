import type { AddFile } from "./actions.ts";
import { CorruptTableError, UnsupportedTableError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { duckType, type Field, quoteName, quoteText } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { statsOf } from "./stats.ts";

/** Which rows of a snapshot a relation holds, and what it tells beside the columns. */
export interface RelationOptions {
  /** Data files to read. @default all files of the snapshot */
  files?: Iterable<AddFile>;
  /** Columns to read. @default all */
  columns?: readonly string[];
  /** Name of a further column that holds the data file's location. @default none */
  fileColumn?: string;
  /** Name of a further column that holds the row's number in its data file. @default none */
  rowColumn?: string;
}

/** Partitions beyond this number are looked up by file instead of getting a branch each. */
const MOST_BRANCHES = 16;

/**
 * SQL of a relation (in parentheses) over data files, with the table's columns in order.
 * Timestamps come as TIMESTAMP in UTC; columns that a file lacks are null.
 */
export function relationSql(
  lake: Lakehouse,
  snapshot: Snapshot,
  options: RelationOptions = {},
): string {
  const wanted = options.columns === undefined ? null : new Set(options.columns);
  const fields = snapshot.fields.filter((field) => wanted === null || wanted.has(field.name));
  const files = [...options.files ?? snapshot.files.values()];
  if (files.length === 0) return emptyRelation(fields, options);
  const inFile = fields.filter((field) => !snapshot.partitionColumns.includes(field.name));
  const partitions = fields.filter((field) => snapshot.partitionColumns.includes(field.name));
  const branches: string[] = [];
  for (const group of groupFiles(files, partitions, inFile)) {
    branches.push(branchSql(lake, snapshot, { ...group, fields, partitions, options }));
  }
  return `(${branches.join(" UNION ALL ")})`;
}

function emptyRelation(fields: readonly Field[], options: RelationOptions): string {
  const columns = fields.map((field) =>
    `NULL::${duckType(field.type)} AS ${quoteName(field.name)}`
  );
  if (options.fileColumn !== undefined) {
    columns.push(`NULL::VARCHAR AS ${quoteName(options.fileColumn)}`);
  }
  if (options.rowColumn !== undefined) {
    columns.push(`NULL::BIGINT AS ${quoteName(options.rowColumn)}`);
  }
  return `(SELECT ${columns.join(", ") || "1"} WHERE false)`;
}

interface FileGroup {
  files: AddFile[];
  /** Columns that every file of the group has; null when the log does not say. */
  present: ReadonlySet<string> | null;
  /** Whether all files of the group have the same partition values. */
  onePartition: boolean;
}

/** Groups files that can be read in one go: those with the same columns and partition. */
function groupFiles(
  files: AddFile[],
  partitions: readonly Field[],
  inFile: readonly Field[],
): FileGroup[] {
  const partitionOf = (file: AddFile) =>
    JSON.stringify(partitions.map((field) => file.partitionValues[field.name] ?? null));
  const distinct = partitions.length === 0 ? 1 : new Set(files.map(partitionOf)).size;
  const onePartition = distinct <= MOST_BRANCHES;
  const groups = new Map<string, FileGroup>();
  for (const file of files) {
    const present = presentColumns(file, inFile);
    const columns = present === null ? "?" : JSON.stringify([...present]);
    const key = columns + (onePartition && partitions.length > 0 ? partitionOf(file) : "");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { files: [file], present, onePartition });
    else group.files.push(file);
  }
  return [...groups.values()];
}

/** The columns that a file has, as its null counts tell; null when they do not tell of all. */
function presentColumns(file: AddFile, inFile: readonly Field[]): Set<string> | null {
  const counts = statsOf(file).nullCount;
  if (counts === undefined) return null;
  const present = new Set<string>();
  let unknown = false;
  for (const field of inFile) {
    if (field.name in counts) present.add(field.name);
    else unknown = true;
  }
  const ours = file.tags?.["clickstream.columns"] === "all counted";
  return unknown && !ours ? null : present;
}

function branchSql(
  lake: Lakehouse,
  snapshot: Snapshot,
  group: FileGroup & {
    fields: readonly Field[];
    partitions: readonly Field[];
    options: RelationOptions;
  },
): string {
  const { files, present, partitions, options } = group;
  const first = files[0]!.partitionValues;
  const looked = partitions.length > 0 && !group.onePartition;
  const columns = group.fields.map((field) => {
    const name = quoteName(field.name);
    if (partitions.includes(field)) {
      if (looked) return `__partition.${name}`;
      return `${partitionLiteral(field, first[field.name] ?? null)} AS ${name}`;
    }
    if (present !== null && !present.has(field.name)) {
      return `NULL::${duckType(field.type)} AS ${name}`;
    }
    return `${readColumn(field)} AS ${name}`;
  });
  const named = options.fileColumn !== undefined || looked;
  if (options.fileColumn !== undefined) columns.push(`__file AS ${quoteName(options.fileColumn)}`);
  if (options.rowColumn !== undefined) {
    columns.push(`file_row_number AS ${quoteName(options.rowColumn)}`);
  }
  const scan = scanSql(lake, snapshot, group, named);
  const join = looked
    ? ` JOIN ${partitionTable(lake, snapshot, files, partitions)} USING (__file)`
    : "";
  return `SELECT ${columns.join(", ") || "1"} FROM ${scan}${join}`;
}

function scanSql(
  lake: Lakehouse,
  snapshot: Snapshot,
  group: FileGroup & { options: RelationOptions },
  named: boolean,
): string {
  const locations = group.files.map((file) => quoteText(locateFile(lake, snapshot, file)));
  const settings = [
    "hive_partitioning = false",
    ...(group.present === null ? ["union_by_name = true"] : []),
    ...(named ? ["filename = '__file'"] : []),
    ...(group.options.rowColumn === undefined ? [] : ["file_row_number = true"]),
  ];
  const scan = `read_parquet([${locations.join(", ")}], ${settings.join(", ")})`;
  if (group.present !== null) return scan;
  // The log does not say which columns these files have: let absent ones come as null.
  const inFile = snapshot.fields.filter((f) => !snapshot.partitionColumns.includes(f.name));
  const none = inFile.map((field) => `NULL::${fileType(field)} AS ${quoteName(field.name)}`);
  return `(SELECT * FROM ${scan} UNION ALL BY NAME SELECT ${none.join(", ")} WHERE false)`;
}

function fileType(field: Field): string {
  return field.type === "timestamp" ? "TIMESTAMPTZ" : duckType(field.type);
}

/** A column of a data file as queries see it. Going by microseconds is much faster than a time-zone cast. */
function readColumn(field: Field): string {
  const name = quoteName(field.name);
  if (field.type === "timestamp") return `make_timestamp(epoch_us(${name}))`;
  return typeof field.type === "string" ? `${name}::${duckType(field.type)}` : name;
}

function partitionLiteral(field: Field, value: string | null): string {
  const type = duckType(field.type);
  // The protocol lets an empty text stand for a null.
  if (value === null || value === "") return `NULL::${type}`;
  if (field.type === "timestamp" && /(Z|[+-]\d\d:?\d\d)$/.test(value)) {
    return `make_timestamp(epoch_us(${quoteText(value)}::TIMESTAMPTZ))`;
  }
  return `${quoteText(value)}::${type}`;
}

function partitionTable(
  lake: Lakehouse,
  snapshot: Snapshot,
  files: AddFile[],
  partitions: readonly Field[],
): string {
  const rows = files.map((file) => {
    const values = partitions.map((f) => partitionLiteral(f, file.partitionValues[f.name] ?? null));
    return `(${[quoteText(locateFile(lake, snapshot, file)), ...values].join(", ")})`;
  });
  const names = partitions.map((field) => quoteName(field.name));
  return `(VALUES ${rows.join(", ")}) AS __partition(${["__file", ...names].join(", ")})`;
}

/**
 * The name under which the engine opens a data file.
 *
 * @throws {UnsupportedTableError} for a file outside this storage
 * @throws {CorruptTableError} when the path is not a good URI
 */
export function locateFile(
  lake: Lakehouse,
  snapshot: Pick<Snapshot, "table" | "folder">,
  file: Pick<AddFile, "path">,
): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(file.path) || file.path.startsWith("/")) {
    if (!/^(file:|\/)/.test(file.path)) {
      throw new UnsupportedTableError(
        `Table ${snapshot.table} refers to ${file.path}, which is in another storage: copy the table.`,
      );
    }
    return decodeURIComponent(file.path.replace(/^file:(\/\/)?/, ""));
  }
  try {
    return lake.storage.locate(`${snapshot.folder}/${decodeURIComponent(file.path)}`);
  } catch (cause) {
    throw new CorruptTableError(
      `Table ${snapshot.table}: «${file.path}» is not a good file path: restore its log from a copy.`,
      { cause },
    );
  }
}
