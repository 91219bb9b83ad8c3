import type { ColumnTable } from "./columns.ts";

/** Rows divided into named groups; a row may belong to none. */
export interface Segment {
  name: string;
  groups: string[];
  /** The group of each row, -1 for none. */
  codes: Int32Array;
}

/** Event position, category, price quartile, and new or returning user, where the columns exist. */
export function usualSegments(table: ColumnTable): Segment[] {
  return [
    byPosition(table),
    byCategory(table),
    byPriceQuartile(table),
    byUser(table),
  ].filter((segment): segment is Segment => segment !== null);
}

function byPosition(table: ColumnTable): Segment | null {
  const events = table.columns.get("cart__events");
  if (events?.kind !== "numeric") return null;
  const groups = ["1st event", "2nd event", "3rd to 5th", "6th and later"];
  return {
    name: "event position",
    groups,
    codes: Int32Array.from(
      events.values,
      (n) => Number.isNaN(n) ? -1 : n <= 1 ? 0 : n <= 2 ? 1 : n <= 5 ? 2 : 3,
    ),
  };
}

function byCategory(table: ColumnTable, most = 8): Segment | null {
  const category = table.columns.get("category_code");
  if (category?.kind !== "text") return null;
  const counts = new Float64Array(category.dictionary.length);
  for (const code of category.codes) if (code >= 0) counts[code]!++;
  const top = [...counts.keys()].sort((a, b) => counts[b]! - counts[a]!).slice(0, most);
  const place = new Map(top.map((code, i) => [code, i]));
  const groups = [...top.map((code) => category.dictionary[code]!), "other", "no category"];
  const codes = category.codes.map((code) =>
    code < 0 ? top.length + 1 : place.get(code) ?? top.length
  );
  return { name: "category", groups, codes };
}

function byPriceQuartile(table: ColumnTable): Segment | null {
  const price = table.columns.get("price");
  if (price?.kind !== "numeric") return null;
  const sorted = price.values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return null;
  const cuts = [0.25, 0.5, 0.75].map((share) => sorted[Math.floor(share * sorted.length)]!);
  const groups = [
    `to ${cuts[0]!.toFixed(2)}`,
    `${cuts[0]!.toFixed(2)} to ${cuts[1]!.toFixed(2)}`,
    `${cuts[1]!.toFixed(2)} to ${cuts[2]!.toFixed(2)}`,
    `from ${cuts[2]!.toFixed(2)}`,
  ];
  const codes = Int32Array.from(
    price.values,
    (value) => Number.isNaN(value) ? -1 : cuts.filter((cut) => value >= cut).length,
  );
  return { name: "price quartile", groups, codes };
}

/** Daily user metrics exist from the day after a user's first event: missing means new. */
function byUser(table: ColumnTable): Segment | null {
  const known = table.columns.get("user__events");
  if (known?.kind !== "numeric") return null;
  return {
    name: "user",
    groups: ["new", "returning"],
    codes: Int32Array.from(known.values, (events) => (events > 0 ? 1 : 0)),
  };
}
