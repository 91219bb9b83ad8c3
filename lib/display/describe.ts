import { titleText } from "./complete.ts";
import type { Figure, Trace, Values } from "./figure.ts";
import { formatNumber } from "./format.ts";

/**
 * A chart in words, for logs, screen readers and front ends without pictures: title, then a line
 * a trace with its kind, number of points and ranges. `alt`, when given, stands for the lines.
 */
export function describeFigure(figure: Figure, alt?: string): string {
  const { layout } = figure;
  const title = plain(titleText(layout?.title));
  const subtitle = typeof layout?.title === "object"
    ? plain(layout.title.subtitle?.text ?? "")
    : "";
  const head = [title && `[chart] ${title}`, subtitle].filter((line) => line !== "");
  if (alt !== undefined) return [...head, alt].join("\n");
  const xName = plain(titleText(layout?.xaxis?.title)) || "x";
  const yName = plain(titleText(layout?.yaxis?.title)) || "y";
  const lines = figure.data.map((trace) => `  ${describeTrace(trace, xName, yName)}`);
  return [...(head.length ? head : ["[chart]"]), ...lines].join("\n");
}

function describeTrace(trace: Trace, xName: string, yName: string): string {
  const kind = trace.type === undefined || trace.type.startsWith("scatter")
    ? trace.mode ?? "lines"
    : trace.type;
  const count = trace.x?.length ?? trace.y?.length ?? trace.z?.length;
  const parts = [
    `${trace.name ? `${plain(trace.name)}: ` : ""}${kind}`,
    count === undefined ? "" : `${formatNumber(count)} ${trace.z ? "columns" : "points"}`,
    rangeOf(xName, trace.x),
    rangeOf(yName, trace.y),
    trace.z ? rangeOf("values", Array.from(trace.z).flatMap((row) => Array.from(row))) : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function rangeOf(name: string, values: Values | undefined): string {
  if (values === undefined) return "";
  const items = Array.from(values).filter((value) => value !== null && value !== undefined);
  if (items.length === 0) return "";
  if (items.some((item) => typeof item === "string" || typeof item === "boolean")) {
    const [first, last] = [String(items[0]), String(items.at(-1))];
    return items.length === 1 ? `${name} ${first}` : `${name} ${first} … ${last}`;
  }
  let [low, high] = [items[0]!, items[0]!];
  for (const item of items) {
    if (item < low) low = item;
    if (item > high) high = item;
  }
  return `${name} ${textOf(low)} to ${textOf(high)}`;
}

function textOf(value: number | bigint | string | Date | boolean): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "number" ? formatNumber(value) : String(value);
}

function plain(text: string): string {
  return text.replace(/<br\s*\/?>/gi, " ").replace(/<[^>]*>/g, "");
}
