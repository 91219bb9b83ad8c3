import type { TrainedModel } from "./model.ts";

/** Groups of columns that say much the same, by a rule on their names. */
const GROUPS: readonly [string, (column: string) => boolean][] = [
  ["time since", (column) => /seconds_since/.test(column)],
  ["cart's contents", (column) => /^cart__(products|cart_value)$/.test(column)],
  ["product in this cart", (column) => column.startsWith("cart_product__")],
  ["session so far", (column) => column.startsWith("cart__")],
  ["user and product", (column) => column.startsWith("user_product__")],
  ["user's past", (column) => column.startsWith("user__")],
  ["product's past", (column) => column.startsWith("product__")],
  ["price, category, brand", (column) => /^(price|category_code|category_id|brand)$/.test(column)],
  ["hour and weekday", (column) => column === "event_time"],
  ["last event's type", (column) => column === "event_type"],
];

/**
 * The columns of our training rows by what they tell of; columns of other tables go into `other`.
 *
 * @param features a model, or names of columns
 */
export function featureGroups(
  features: Pick<TrainedModel, "features"> | readonly string[],
): Record<string, string[]> {
  const names = "features" in features ? features.features : features;
  const groups: Record<string, string[]> = {};
  for (const name of names) {
    const group = GROUPS.find(([, holds]) => holds(name))?.[0] ?? "other";
    (groups[group] ??= []).push(name);
  }
  return groups;
}
