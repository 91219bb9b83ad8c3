import type { AddFile } from "./actions.ts";
import { SchemaError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { duckType, type Field, quoteName, quoteText } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSource } from "./source.ts";
import { statsText, type WrittenColumn } from "./stats.ts";

/** The parts of a table that say how its data files look. */
export type TableShape = Pick<Snapshot, "table" | "folder" | "fields">;

/** Rows of a row group, and of a file: a merge that touches a file rewrites no more than these. */
const ROWS_PER_GROUP = 122_880;
const GROUPS_PER_FILE = 4;

/**
 * Writes the rows of a relation as data files of a table. They belong to it once a commit names
 * them.
 *
 * @param relation SQL with exactly the table's columns
 * @throws {SchemaError} when a column that must not be null has nulls; nothing is left behind
 */
export async function writeFiles(
  lake: Lakehouse,
  open: Pick<OpenSource, "session">,
  shape: TableShape,
  relation: string,
): Promise<AddFile[]> {
  const folder = `${shape.folder}/part-${crypto.randomUUID()}`;
  await lake.storage.makeFolder(folder);
  const columns = shape.fields.map(fileColumn).join(", ");
  const result = await open.session.connection.runAndReadAll(
    `COPY (SELECT ${columns} FROM ${relation}) TO ${quoteText(lake.storage.locate(folder))}
     (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROWS_PER_GROUP},
      ROW_GROUPS_PER_FILE ${GROUPS_PER_FILE}, RETURN_STATS)`,
  );
  const written = result.getRowObjectsJS().map((row) => ({
    path: `${folder}/${String(row.filename).split(/[/\\]/).at(-1)}`,
    rows: Number(row.count),
    size: Number(row.file_size_bytes),
    columns: columnStats(row.column_statistics),
  }));
  const broken = written.flatMap(({ columns }) => nullsIn(shape.fields, columns))[0];
  if (broken !== undefined) {
    await lake.storage.deleteFolder(folder);
    throw new SchemaError(
      `Table ${shape.table}: column ${broken} must not be null, and the source has nulls in it.`,
    );
  }
  const kept = written.filter((file) => file.rows > 0);
  if (kept.length === 0) await lake.storage.deleteFolder(folder);
  else if (lake.durable) await lake.storage.flush(kept.map((file) => file.path));
  return kept.map((file) => ({
    path: file.path.slice(shape.folder.length + 1),
    partitionValues: {},
    size: file.size,
    modificationTime: Date.now(),
    dataChange: true,
    stats: statsText(file.rows, shape.fields, file.columns),
    tags: { "clickstream.columns": "all counted" },
  }));
}

/** Columns of a source in the table's order and types; absent ones are null. */
export function conform(open: OpenSource, shape: TableShape): string {
  const given = new Map([...open.types.keys()].map((name) => [name.toLowerCase(), name]));
  const columns = shape.fields.map((field) => {
    const name = given.get(field.name.toLowerCase());
    given.delete(field.name.toLowerCase());
    if (name !== undefined) return `${quoteName(name)} AS ${quoteName(field.name)}`;
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
function fileColumn(field: Field): string {
  const name = quoteName(field.name);
  if (field.type === "timestamp") return `${name}::TIMESTAMP::TIMESTAMPTZ AS ${name}`;
  return `${name}::${duckType(field.type)} AS ${name}`;
}

function columnStats(value: unknown): Map<string, WrittenColumn> {
  const columns = new Map<string, WrittenColumn>();
  for (const [name, stats] of entriesOf(value)) {
    columns.set(
      name.replace(/^"|"$/g, "").replaceAll('""', '"'),
      Object.fromEntries(entriesOf(stats)),
    );
  }
  return columns;
}

/** Entries of a DuckDB map as the client hands it out. */
function entriesOf(value: unknown): [string, string & object][] {
  const entries = value as { key: string; value: string & object }[];
  return entries.map(({ key, value }) => [key, value]);
}

function nullsIn(fields: readonly Field[], columns: ReadonlyMap<string, WrittenColumn>): string[] {
  return fields.filter((field) =>
    !field.nullable && Number(columns.get(field.name)?.null_count ?? 0) > 0
  ).map((field) => field.name);
}
