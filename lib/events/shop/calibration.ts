import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "clickstream/config";

/** Numbers of one month of the published set. */
export interface MonthFigures {
  /** `YYYY-MM`. */
  month: string;
  views: number;
  carts: number;
  purchases: number;
}

/** Numbers of one category of the published set. */
export interface CategoryFigures {
  /** Category code; empty where the set has none. */
  code: string;
  sessions: number;
  eventsPerSession: number;
  /** Share of sessions with a cart, with a purchase. */
  cartRate: number;
  purchaseRate: number;
  revenue: number;
  /** Session-products viewed, then carted, then bought; null where not published. */
  funnel: { viewed: number; carted: number; bought: number; medianPrice: number } | null;
}

/** Numbers of one hour of the day or one day of the week. */
export interface PeriodFigures {
  views: number;
  carts: number;
  purchases: number;
}

/** The published statistics that the synthetic shop follows. */
export interface Calibration {
  months: MonthFigures[];
  categories: CategoryFigures[];
  /** 24 hours, UTC. */
  hours: PeriodFigures[];
  /** Seven days from Monday. */
  weekdays: PeriodFigures[];
}

/** The totals of the published set (data/calibration/README.md). */
export const TOTALS = {
  events: 885_129,
  views: 793_748,
  carts: 54_035,
  purchases: 37_346,
  users: 407_283,
  sessions: 490_398,
  products: 53_453,
  categoryIds: 718,
  brands: 999,
  duplicates: 655,
  withoutSession: 165,
  sharedSessionStrings: 214,
  missingCode: 0.2669,
  missingBrand: 0.2399,
  /** Session-products: viewed; viewed then carted; carted then bought; and the odd ones. */
  viewed: 644_699,
  viewedThenCarted: 49_502,
  cartedThenBought: 23_595,
  boughtWithoutCart: 2_969,
  cartedWithoutView: 645,
  sessionsWithoutView: 2_038,
  returningUsers: 45_800,
  /** First and last event, seconds since 1970. */
  start: Date.UTC(2020, 8, 24, 11, 57, 6) / 1000,
  end: Date.UTC(2021, 1, 28, 23, 59, 9) / 1000,
} as const;

/** Cuts of the price quartiles of viewed session-products, and what happens in each quartile. */
export const PRICE_QUARTILES = {
  cuts: [25.29, 63.92, 176.17],
  viewToCart: [0.0631, 0.0705, 0.0691, 0.1044],
  cartToPurchase: [0.5517, 0.5256, 0.4537, 0.4134],
} as const;

const MONTHS: MonthFigures[] = [
  { month: "2020-09", views: 25_640, carts: 1_412, purchases: 1_007 },
  { month: "2020-10", views: 146_414, carts: 8_728, purchases: 6_276 },
  { month: "2020-11", views: 170_082, carts: 10_435, purchases: 7_574 },
  { month: "2020-12", views: 136_719, carts: 9_342, purchases: 6_529 },
  { month: "2021-01", views: 166_431, carts: 12_695, purchases: 8_315 },
  { month: "2021-02", views: 147_813, carts: 11_420, purchases: 7_642 },
];

/** Reads the published statistics from data/calibration. */
export function loadCalibration(): Calibration {
  const funnels = new Map(
    table("category_funnel.csv").map((row) => [row["category_code"], {
      viewed: Number(row["viewed_session_products"]),
      carted: Number(row["ordered_carts"]),
      bought: Number(row["ordered_purchases"]),
      medianPrice: Number(row["median_cart_price"]),
    }]),
  );
  const categories = table("category_sessions.csv").map((row) => ({
    code: row["category_code"] === "unknown" ? "" : row["category_code"]!,
    sessions: Number(row["sessions"]),
    eventsPerSession: Number(row["events_per_session"]),
    cartRate: Number(row["cart_rate"]),
    purchaseRate: Number(row["purchase_rate"]),
    revenue: Number(row["revenue_usd"]),
    funnel: funnels.get(row["category_code"]) ?? null,
  }));
  const hours = table("hour_of_day.csv").map(periodOf);
  return { months: MONTHS, categories, hours, weekdays: table("day_of_week.csv").map(periodOf) };
}

function periodOf(row: Record<string, string>): PeriodFigures {
  return {
    views: Number(row["views_est"]),
    carts: Number(row["carts_est"]),
    purchases: Number(row["purchases_est"]),
  };
}

function table(name: string): Record<string, string>[] {
  const text = readFileSync(join(projectRoot, "data", "calibration", name), "utf8");
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  const columns = header.split(",");
  return lines.map((line) => {
    const fields = line.split(",");
    return Object.fromEntries(columns.map((column, index) => [column, fields[index] ?? ""]));
  });
}
