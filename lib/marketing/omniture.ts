import { writeFileSync } from "node:fs";
import { type Pipeline, rowsOf } from "./pipeline.ts";
import { quote } from "./quote.ts";
import { HIT_COLUMNS, HIT_POSITIONS } from "./tables.ts";
import { blankBadLines } from "./unpack.ts";

/** A delivered file on its way into a raw table. */
export interface IncomingFile {
  /** Path below the landing zone, kept as `source_file`. */
  name: string;
  /** The hour it was delivered for. */
  hour: string;
  /** Unpacked. */
  bytes: Uint8Array;
  /** A path where the engine may find it, and which may be overwritten. */
  scratch: string;
}

/** How many rows of a file were taken, and how many were not. */
export interface Taken {
  rows: number;
  rejected: number;
}

/** The table that {@link takeHits} adds to: `p` holds a hit's 178 texts. */
export const NEW_HITS = "p VARCHAR[], source_file VARCHAR, line BIGINT, date_ts VARCHAR";

/**
 * Adds the hits of an Omniture log (178 tab-separated columns, no header, UTF-8) to
 * `unit.new_hits`, and the lines that are none to `unit.new_rejects`. Quotes are text like any
 * other there; empty lines are passed over.
 */
export async function takeHits(pipeline: Pipeline, file: IncomingFile): Promise<Taken> {
  const { connection } = pipeline;
  const badLines = blankBadLines(file.bytes);
  writeFileSync(file.scratch, file.bytes);
  const places = `${quote(file.name)}, line, ${quote(file.hour)}`;
  const read = await connection.run(
    `CREATE OR REPLACE TEMP TABLE lines AS
     SELECT line, text, p, ${REASON} AS reason FROM (
       SELECT line, text, string_split(text, chr(9)) AS p FROM (
         SELECT unnest(range(1, len(texts) + 1)) AS line, rtrim(unnest(texts), chr(13)) AS text
         FROM (SELECT string_split(ltrim(content, chr(65279)), chr(10)) AS texts
           FROM read_text(${quote(file.scratch)})))
       WHERE trim(text) <> '')`,
  );
  const [[all]] = await read.getRows() as [[bigint]];
  const { rowsChanged: rows } = await connection.run(
    `INSERT INTO unit.new_hits SELECT p, ${places} FROM lines WHERE reason IS NULL`,
  );
  if (Number(all) > rows) {
    await connection.run(
      `INSERT INTO unit.new_rejects SELECT 'omniture', ${quote(file.name)}, line, reason,
       left(text, 1000), ${quote(file.hour)} FROM lines WHERE reason IS NOT NULL`,
    );
  }
  await reject(pipeline, file, "omniture", badLines.map((bad) => ({ ...bad, reason: NOT_TEXT })));
  return { rows, rejected: Number(all) - rows + badLines.length };
}

const NOT_TEXT = "it is not UTF-8 text";

const TIME = `p[${HIT_POSITIONS.ts}]`;

/** SQL of why a line is no hit; null when it is one. */
const REASON = String.raw`(CASE
  WHEN len(p) <> ${HIT_COLUMNS} THEN len(p) || ' columns, expected ${HIT_COLUMNS}'
  WHEN NOT regexp_matches(${TIME}, '^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d')
    OR try_cast(${TIME} AS TIMESTAMP) IS NULL
  THEN 'column ${HIT_POSITIONS.ts} is not a time: ' || left(${TIME}, 60) END)`;

/** Adds lines to `unit.new_rejects`. */
export async function reject(
  pipeline: Pipeline,
  file: Pick<IncomingFile, "name" | "hour">,
  kind: string,
  lines: readonly { line: number | null; raw: string; reason: string }[],
): Promise<void> {
  if (lines.length === 0) return;
  const values = lines.map(({ line, reason, raw }) =>
    `(${quote(kind)}, ${quote(file.name)}, ${line ?? "NULL"}, ${quote(reason)}, ${
      quote(raw.replaceAll("\0", "\uFFFD"))
    }, ${quote(file.hour)})`
  );
  await pipeline.connection.run(`INSERT INTO unit.new_rejects VALUES ${values.join(", ")}`);
}

/** SQL of a column of `unit.new_hits` by its position. */
export function stagedColumn(position: number): string {
  return `nullif(p[${position}], '')`;
}

/**
 * SQL of the 178 columns of `unit.new_hits`. Columns without a value in any hit are left out: a log
 * of 178 columns rarely fills more than a few, and files without the others are written several
 * times as fast.
 */
export async function filledHitsSql(pipeline: Pipeline): Promise<string> {
  const [[filled]] = await rowsOf(
    pipeline,
    `SELECT list(DISTINCT i ORDER BY i) FROM (
       SELECT unnest(list_filter(range(1, ${HIT_COLUMNS + 1}), lambda i: p[i] <> '')) AS i
       FROM unit.new_hits)`,
  ) as [[bigint[]]];
  const columns = filled.map((i) => `${stagedColumn(Number(i))} AS col_${i}`);
  return `(SELECT ${columns.join(", ")}, source_file, line, date_ts FROM unit.new_hits)`;
}
