import { type Format, formatValue, isIdName, MISSING } from "./format.ts";
import { type Bundle, show } from "./kernel.ts";
import { type Tabular, type TakenRows, takeRows } from "./rows.ts";

/** How {@link table} shows rows. */
export interface TableOptions {
  /** At most this many rows are shown, and how many there are is said. @default 20 */
  limit?: number;
  /** Stands above the table. @default none */
  title?: string;
  /** Format by column name. @default by type; columns named like ids are written as they are */
  formats?: Record<string, Format>;
  /** Unit by column name, shown in the header. @default none */
  units?: Record<string, string>;
  /** Columns to show, in this order. @default all */
  columns?: readonly string[];
}

interface Cell {
  text: string;
  right: boolean;
}

const LONGEST_CELL = 80;
/** Decimals arrive as text, so that no digit is lost. */
const DECIMAL = /^-?\d+\.\d+$/;

/**
 * Shows the first rows of a polars frame, an arquero table or an array of objects. In a kernel as
 * HTML without scripts (it survives in an untrusted notebook) and text, elsewhere as text.
 *
 * @throws {DisplayError} `rows` is none of the three
 *
 * @example
 * ```ts
 * import { table } from "clickstream/display";
 * await table([{ user_id: 1515915625353900095n, price: 31.9 }], { units: { price: "USD" } });
 * ```
 */
export async function table(rows: Tabular, options: TableOptions = {}): Promise<void> {
  await show(tableBundle(rows, options));
}

/** The bundle that {@link table} shows. */
export function tableBundle(source: Tabular, options: TableOptions = {}): Bundle {
  const taken = takeRows(source, options.limit ?? 20);
  const columns = options.columns ?? taken.columns;
  const headers = columns.map((name) => {
    const unit = options.units?.[name];
    return unit === undefined ? name : `${name} (${unit})`;
  });
  const cells = taken.rows.map((row) =>
    columns.map((name) => cellOf(row[name], formatFor(name, options)))
  );
  const right = columns.map((_, i) => cells.some((row) => row[i]?.right));
  const footer = footerOf(taken);
  return {
    "text/html": html(options.title, headers, cells, right, footer),
    "text/plain": text(options.title, headers, cells, right, footer),
  };
}

function formatFor(name: string, options: TableOptions): Format {
  return options.formats?.[name] ?? (isIdName(name) ? "id" : "auto");
}

function cellOf(value: unknown, format: Format): Cell {
  const isTime = format === "date" || format === "datetime";
  const isNumber = typeof value === "number" || typeof value === "bigint";
  const text = shorten(formatValue(value, format));
  return { text, right: !isTime && (isNumber || DECIMAL.test(text)) };
}

function shorten(value: string): string {
  const flat = value.replace(/[\r\n\t]+/g, " ");
  return flat.length <= LONGEST_CELL ? flat : `${flat.slice(0, LONGEST_CELL - 1)}…`;
}

function footerOf({ rows, total }: TakenRows): string {
  const count = total.toLocaleString("en-US");
  if (total === 0) return "no rows";
  return rows.length < total ? `first ${rows.length} of ${count} rows` : "";
}

function html(
  title: string | undefined,
  headers: string[],
  cells: Cell[][],
  right: boolean[],
  footer: string,
): string {
  const align = (i: number) => `style="text-align:${right[i] ? "right" : "left"}"`;
  const head = headers.map((name, i) => `<th ${align(i)}>${escapeHtml(name)}</th>`).join("");
  const body = cells.map((row) =>
    `<tr>${row.map((cell, i) => `<td ${align(i)}>${escapeHtml(cell.text)}</td>`).join("")}</tr>`
  );
  const caption = title === undefined ? "" : `<p><strong>${escapeHtml(title)}</strong></p>`;
  const below = footer === "" ? "" : `<p><em>${footer}</em></p>`;
  return `${caption}<table><thead><tr>${head}</tr></thead><tbody>${
    body.join("")
  }</tbody></table>${below}`;
}

function text(
  title: string | undefined,
  headers: string[],
  cells: Cell[][],
  right: boolean[],
  footer: string,
): string {
  const widths = headers.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]?.text.length ?? MISSING.length))
  );
  const line = (texts: string[]) =>
    texts
      .map((item, i) => right[i] ? item.padStart(widths[i]!) : item.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  const lines = [
    ...(title === undefined ? [] : [title]),
    line(headers),
    widths.map((width) => "─".repeat(width)).join("  "),
    ...cells.map((row) => line(row.map((cell) => cell.text))),
    ...(footer === "" ? [] : [footer]),
  ];
  return lines.join("\n");
}

/** Text as it stands in HTML. */
export function escapeHtml(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
