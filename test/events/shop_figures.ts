import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "clickstream/config";

/** One published figure: how it is computed, its value, and how far the shop may be from it. */
export interface Figure {
  name: string;
  /** An expression that gives one number, over the tables of `shop.test.ts`. */
  sql: string;
  target: number;
  /** Greatest relative deviation. */
  within: number;
}

const rows = (name: string) => {
  const text = readFileSync(join(projectRoot, "data", "calibration", name), "utf8").trim();
  return text.split(/\r?\n/).slice(1).map((line) => line.split(","));
};

const events = (type: string, where = "true") =>
  `SELECT count(*) FROM events WHERE event_type = '${type}' AND ${where}`;
const sessions = (where: string) => `SELECT count(*) FROM sessions WHERE ${where}`;
const items = (where: string) => `SELECT count(*) FROM items WHERE ${where}`;
const share = (where: string, of: string) =>
  `SELECT count(*) FILTER (${where}) / count(*) FROM items WHERE ${of}`;

const TYPES: [string, number][] = [["view", 793_748], ["cart", 54_035], ["purchase", 37_346]];

const COUNTS: Figure[] = [
  { name: "events", sql: "SELECT count(*) FROM events", target: 885_129, within: 0 },
  ...TYPES.map(([type, target]) => ({
    name: `${type}s`,
    sql: events(type),
    target,
    within: 0.001,
  })),
  count("users", "count(DISTINCT user_id)", 407_283, 0.01),
  count("session strings", "count(DISTINCT user_session)", 490_398, 0.001),
  count("products", "count(DISTINCT product_id)", 53_453, 0.005),
  count("category ids", "count(DISTINCT category_id)", 718, 0.01),
  count("category codes", "count(DISTINCT category_code)", 107, 0),
  count("brands", "count(DISTINCT brand)", 999, 0.05),
  count("distinct timestamps", "count(DISTINCT event_time)", 845_041, 0.01),
  count("rows without a session", "count(*) FILTER (user_session IS NULL)", 165, 0),
  count("rows without a category code", "avg((category_code IS NULL)::INT)", 0.2669, 0.005),
  count("rows without a brand", "avg((brand IS NULL)::INT)", 0.2399, 0.03),
  count("lowest price", "min(price)", 0.22, 0),
  count("highest price", "max(price)", 64_771.06, 0),
  {
    name: "exact duplicate rows",
    sql: "SELECT (SELECT count(*) FROM events) - count(*) FROM " +
      "(SELECT DISTINCT * EXCLUDE source_row FROM events)",
    target: 655,
    within: 0.02,
  },
  {
    name: "session strings of several users",
    sql: "SELECT count(*) FROM " +
      "(SELECT user_session FROM sessions GROUP BY ALL HAVING count(*) > 1)",
    target: 214,
    within: 0.01,
  },
];

function count(name: string, expression: string, target: number, within: number): Figure {
  return { name, sql: `SELECT ${expression} FROM events`, target, within };
}

const SESSIONS: Figure[] = [
  { name: "sessions with a view", sql: sessions("views > 0"), target: 488_360, within: 0.005 },
  { name: "sessions with a cart", sql: sessions("carts > 0"), target: 41_270, within: 0.07 },
  {
    name: "sessions with a purchase",
    sql: sessions("purchases > 0"),
    target: 24_344,
    within: 0.04,
  },
  mean("browsers", "carts = 0 AND purchases = 0", 1.45, 0.02),
  mean("carts left", "carts > 0 AND purchases = 0", 4.41, 0.05),
  mean("buyers", "purchases > 0", 6.05, 0.05),
  mean("all", "true", 1.8, 0.005),
  {
    name: "sessions across midnight",
    sql: sessions("first_time::DATE <> last_time::DATE"),
    target: 14_070,
    within: 0.05,
  },
  {
    name: "users with several sessions",
    sql: "SELECT count(*) FROM (SELECT user_id FROM sessions GROUP BY ALL HAVING count(*) > 1)",
    target: 45_800,
    within: 0.04,
  },
  returned(7, 0.0896),
  returned(30, 0.1073),
  {
    name: "first sessions that buy",
    sql: "SELECT avg((purchases > 0)::INT) FROM sessions WHERE turn = 1",
    target: 0.0407,
    within: 0.15,
  },
  {
    name: "later sessions that buy",
    sql: "SELECT avg((purchases > 0)::INT) FROM sessions WHERE turn > 1",
    target: 0.0682,
    within: 0.1,
  },
  {
    name: "users who buy",
    sql: "SELECT count(DISTINCT user_id) FROM sessions WHERE purchases > 0",
    target: 21_304,
    within: 0.1,
  },
];

function mean(kind: string, where: string, target: number, within: number): Figure {
  const sql = `SELECT avg(events) FROM sessions WHERE ${where}`;
  return { name: `events a session, ${kind}`, sql, target, within };
}

function returned(days: number, target: number): Figure {
  const sql = `SELECT count(*) FILTER (turn = 2 AND after < INTERVAL ${days} DAY) / 
    count(*) FILTER (turn = 1) FROM sessions`;
  return { name: `users back within ${days} days`, sql, target, within: 0.05 };
}

const FUNNEL: Figure[] = [
  {
    name: "session-products viewed",
    sql: items("viewed IS NOT NULL"),
    target: 644_699,
    within: 0.01,
  },
  { name: "viewed, then in a cart", sql: items("carted >= viewed"), target: 49_502, within: 0.02 },
  {
    name: "viewed, in a cart, then bought",
    sql: items("carted >= viewed AND bought >= carted"),
    target: 23_595,
    within: 0.03,
  },
  {
    name: "bought without a cart",
    sql: items("bought IS NOT NULL AND carted IS NULL"),
    target: 2_969,
    within: 0.08,
  },
  {
    name: "in a cart without a view",
    sql: items("carted IS NOT NULL AND viewed IS NULL"),
    target: 645,
    within: 0.15,
  },
  ...quartile("cheapest quarter", "price <= 25.29", 0.0631, 0.5517),
  ...quartile("second quarter", "price > 25.29 AND price <= 63.92", 0.0705, 0.5256),
  ...quartile("third quarter", "price > 63.92 AND price <= 176.17", 0.0691, 0.4537),
  ...quartile("dearest quarter", "price > 176.17", 0.1044, 0.4134),
  ...pauses("cheapest quarter", "price <= 25.29", 49, 96),
  ...pauses("dearest quarter", "price > 176.17", 41, 78),
];

function quartile(name: string, where: string, toCart: number, toPurchase: number): Figure[] {
  return [
    {
      name: `share of views, ${name}`,
      sql: share(where, "viewed IS NOT NULL"),
      target: 0.25,
      within: 0.03,
    },
    {
      name: `view to cart, ${name}`,
      sql: share("carted >= viewed", `viewed IS NOT NULL AND ${where}`),
      target: toCart,
      within: 0.04,
    },
    {
      name: `cart to purchase, ${name}`,
      sql: share("bought >= carted", `carted >= viewed AND ${where}`),
      target: toPurchase,
      within: 0.05,
    },
  ];
}

function pauses(name: string, where: string, toCart: number, toPurchase: number): Figure[] {
  const median = (from: string, to: string) =>
    `SELECT median(epoch(${to}) - epoch(${from})) FROM items WHERE ${to} >= ${from} AND ${where}`;
  return [
    {
      name: `seconds to cart, ${name}`,
      sql: median("viewed", "carted"),
      target: toCart,
      within: 0.15,
    },
    {
      name: `seconds from cart to purchase, ${name}`,
      sql: median("carted", "bought"),
      target: toPurchase,
      within: 0.15,
    },
  ];
}

/** Category by category, where enough of them are in carts for a rate to be steady. */
const CATEGORIES: Figure[] = rows("category_funnel.csv")
  .filter((fields) => Number(fields[2]) >= 700)
  .flatMap(([name, viewed, carted, bought]) => {
    const code = name === "unknown" ? "code IS NULL" : `code = '${name}'`;
    return [
      {
        name: `view to cart, ${name}`,
        sql: share("carted >= viewed", `viewed IS NOT NULL AND ${code}`),
        target: Number(carted) / Number(viewed),
        within: 0.1,
      },
      {
        name: `cart to purchase, ${name}`,
        sql: share("bought >= carted", `carted >= viewed AND ${code}`),
        target: Number(bought) / Number(carted),
        within: 0.1,
      },
    ];
  });

const MONTHS: Figure[] = [
  ["2020-09", 25_640, 1_412, 1_007],
  ["2020-10", 146_414, 8_728, 6_276],
  ["2020-11", 170_082, 10_435, 7_574],
  ["2020-12", 136_719, 9_342, 6_529],
  ["2021-01", 166_431, 12_695, 8_315],
  ["2021-02", 147_813, 11_420, 7_642],
].flatMap(([month, ...targets]) =>
  targets.map((target, index) => ({
    name: `${TYPES[index]![0]}s of ${month}`,
    sql: events(TYPES[index]![0], `strftime(event_time, '%Y-%m') = '${month}'`),
    target: Number(target),
    within: [0.02, 0.05, 0.08][index]! * (month === "2020-09" ? 1.5 : 1),
  }))
);

/** By hour and by weekday; the few carts and purchases of the night scatter more. */
const PERIODS: Figure[] = [
  ...rows("hour_of_day.csv").flatMap(([hour, ...targets]) =>
    targets.map((target, index) =>
      period(`hour ${hour}`, `hour(event_time) = ${hour}`, index, Number(target))
    )
  ),
  ...rows("day_of_week.csv").flatMap(([day, ...targets], index) =>
    targets.map((target, type) =>
      period(`${day}`, `isodow(event_time) = ${index + 1}`, type, Number(target))
    )
  ),
];

function period(name: string, where: string, type: number, target: number): Figure {
  const noise = 5 / Math.sqrt(target);
  const sql = events(TYPES[type]![0], where);
  return { name: `${TYPES[type]![0]}s, ${name}`, sql, target, within: 0.03 + noise };
}

/** Every published figure that the shop is held to, by theme. */
export const FIGURES: Record<string, Figure[]> = {
  "counts, missing values, duplicates and ties": COUNTS,
  "sessions and returning users": SESSIONS,
  "funnel by price": FUNNEL,
  "funnel by category": CATEGORIES,
  "months": MONTHS,
  "hours and weekdays": PERIODS,
};
