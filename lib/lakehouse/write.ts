import type { AddFile } from "./actions.ts";
import { SchemaError } from "./errors.ts";
import { explainFailure } from "./failure.ts";
import { fittingColumn } from "./fit.ts";
import type { Lakehouse } from "./lake.ts";
import { duckType, type Field, quoteName, quoteText } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSource } from "./source.ts";
import { statsText, type WrittenColumn } from "./stats.ts";

/** The parts of a table that say how its data files look. */
export type TableShape = Pick<
  Snapshot,
  "table" | "folder" | "fields" | "partitionColumns"
>;

/** Rows of a row group, and of a file: a merge that touches a file rewrites no more than these. */
const ROWS_PER_GROUP = 122_880;
const GROUPS_PER_FILE = 4;

/**
 * Writes the rows of a relation as data files of a table. They belong to it once a commit names
 * them.
 *
 * @param relation SQL with exactly the table's columns
 * @param orderBy SQL after ORDER BY, for the order of the rows in the files; else as they come
 * @throws {SchemaError} when a column that must not be null has nulls; nothing is left behind
 */
export async function writeFiles(
  lake: Lakehouse,
  open: Pick<OpenSource, "session">,
  shape: TableShape,
  relation: string,
  orderBy?: string,
): Promise<AddFile[]> {
  const folder = `${shape.folder}/part-${crypto.randomUUID()}`;
  await lake.storage.makeFolder(folder);
  try {
    const written = await copyOut(lake, open, shape, { relation, folder, orderBy });
    const broken = written.flatMap((file) => nullsIn(shape, file))[0];
    if (broken !== undefined) {
      throw new SchemaError(
        `Table ${shape.table}: column ${broken} must not be null, and the source has nulls in it.`,
      );
    }
    const kept = written.filter((file) => file.rows > 0);
    if (kept.length === 0) await lake.storage.delete(folder);
    else if (lake.durable) await lake.storage.flush(kept.map((file) => file.path));
    return kept.map((file) => addAction(shape, file));
  } catch (cause) {
    await lake.storage.delete(folder).catch(() => {});
    throw explainFailure(`Table ${shape.table}`, cause);
  }
}

interface WrittenFile {
  /** Below the lakehouse's root. */
  path: string;
  rows: number;
  size: number;
  columns: Map<string, WrittenColumn>;
  partition: Map<string, string | null>;
}

async function copyOut(
  lake: Lakehouse,
  open: Pick<OpenSource, "session">,
  shape: TableShape,
  to: { relation: string; folder: string; orderBy: string | undefined },
): Promise<WrittenFile[]> {
  const columns = shape.fields.map((field) =>
    fileColumn(field, shape.partitionColumns.includes(field.name))
  );
  const order = to.orderBy === undefined ? "" : ` ORDER BY ${to.orderBy}`;
  const partitions = shape.partitionColumns.map(quoteName).join(", ");
  const split = partitions === ""
    ? `ROW_GROUPS_PER_FILE ${GROUPS_PER_FILE}`
    : `PARTITION_BY (${partitions})`;
  const location = lake.storage.locate(to.folder);
  const result = await open.session.connection.runAndReadAll(
    `COPY (SELECT ${columns.join(", ")} FROM ${to.relation}${order}) TO ${quoteText(location)}
     (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ROWS_PER_GROUP}, ${split}, RETURN_STATS)`,
  );
  return result.getRowObjectsJS().map((row) => ({
    path: `${to.folder}${String(row.filename).replaceAll("\\", "/").slice(location.length)}`,
    rows: Number(row.count),
    size: Number(row.file_size_bytes),
    columns: columnStats(row.column_statistics),
    partition: new Map(row.partition_keys ? entriesOf(row.partition_keys) : []),
  }));
}

function addAction(shape: TableShape, file: WrittenFile): AddFile {
  const inFile = shape.fields.filter((field) => !shape.partitionColumns.includes(field.name));
  return {
    path: file.path.slice(shape.folder.length + 1).split("/")
      .map((part) => encodeURIComponent(part).replaceAll("%3D", "=")).join("/"),
    partitionValues: Object.fromEntries(
      shape.partitionColumns.map((name) => [name, partitionText(shape, name, file)]),
    ),
    size: file.size,
    modificationTime: Date.now(),
    dataChange: true,
    stats: statsText(file.rows, inFile, file.columns),
    tags: { "clickstream.columns": "all counted" },
  };
}

/** A partition's value as the log writes it: times with their zone, so that no reader shifts them. */
function partitionText(shape: TableShape, name: string, file: WrittenFile): string | null {
  const value = file.partition.get(name) ?? null;
  const type = shape.fields.find((field) => field.name === name)?.type;
  if (value === null || type !== "timestamp") return value;
  const [time, fraction = ""] = value.split(".");
  return `${time!.replace(" ", "T")}.${fraction.padEnd(6, "0")}Z`;
}

/** Columns of a source in the table's order, fit for its types; absent ones are null. */
export function conform(
  open: Pick<OpenSource, "relation" | "types">,
  shape: Pick<TableShape, "table" | "fields">,
): string {
  const given = new Map([...open.types.keys()].map((name) => [name.toLowerCase(), name]));
  const columns = shape.fields.map((field) => {
    const name = given.get(field.name.toLowerCase());
    given.delete(field.name.toLowerCase());
    if (name !== undefined) {
      const sql = fittingColumn(field, name, open.types.get(name) ?? "");
      return `${sql} AS ${quoteName(field.name)}`;
    }
    if (field.nullable) return `NULL AS ${quoteName(field.name)}`;
    throw new SchemaError(
      `Table ${shape.table}: the source lacks column ${field.name}, which must not be null.`,
    );
  });
  if (given.size > 0) {
    throw new SchemaError(
      `Table ${shape.table} has no column ${
        [...given.values()].join(", ")
      }: leave it out of the source.`,
    );
  }
  return `(SELECT ${columns.join(", ")} FROM ${open.relation})`;
}

/** A column as data files hold it. Timestamps are instants in UTC, so that every reader agrees. */
function fileColumn(field: Field, partitions: boolean): string {
  const name = quoteName(field.name);
  if (field.type === "timestamp" && !partitions) {
    // By microseconds: several times as fast as a time-zone cast. Other readers know no infinity.
    const time = `${name}::TIMESTAMP`;
    return `CASE WHEN isinf(${time}) THEN error('Conversion Error: column ' || ${
      quoteText(field.name)
    } || ' has an infinite time') ELSE make_timestamptz(epoch_us(${time})) END AS ${name}`;
  }
  return `${name}::${duckType(field.type)} AS ${name}`;
}

function columnStats(value: unknown): Map<string, WrittenColumn> {
  const columns = new Map<string, WrittenColumn>();
  for (const [name, stats] of entriesOf<unknown>(value)) {
    columns.set(
      name.replace(/^"|"$/g, "").replaceAll('""', '"'),
      Object.fromEntries(entriesOf(stats)),
    );
  }
  return columns;
}

/** Entries of a DuckDB map as the client hands it out. */
function entriesOf<T = string>(value: unknown): [string, T][] {
  return (value as { key: string; value: T }[]).map(({ key, value }) => [key, value]);
}

function nullsIn(shape: TableShape, file: WrittenFile): string[] {
  return shape.fields.filter(({ name, nullable }) => {
    if (nullable || file.rows === 0) return false;
    if (shape.partitionColumns.includes(name)) return (file.partition.get(name) ?? null) === null;
    return Number(file.columns.get(name)?.null_count ?? 0) > 0;
  }).map((field) => field.name);
}
