/** A line of the table: what was measured, what it gave, what it should give. */
export interface Row {
  what: string;
  measured: string;
  /** `-` where there is none. */
  target: string;
}

/** A Markdown table of rows. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map(({ what, measured, target }) => `| ${what} | ${measured} | ${target} |`);
  return ["| what | measured | target |", "|---|---|---|", ...lines].join("\n");
}

/** A whole number with its thousands apart. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en-GB");

/** Seconds with one digit. */
export const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** A share of sorted values, 0.5 being the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
