import { records } from "clickstream/lakehouse";
import type { Pipeline } from "./pipeline.ts";

/**
 * SQL of the customers of each month or day, and those of them who bought in an earlier one.
 *
 * @returns SQL of the columns `period`, `customers` and `returning`
 */
export function repeatsSql(grain: "month" | "day"): string {
  const period = `date_trunc('${grain}', "InvoiceDate")`;
  return `
    SELECT strftime(period, '${grain === "month" ? "%Y-%m" : "%Y-%m-%d"}') AS period,
      count(*) AS customers, count_if(period > first_period) AS returning
    FROM (SELECT DISTINCT userid, ${period} AS period,
        min(${period}) OVER (PARTITION BY userid) AS first_period
      FROM processed.sales WHERE kind = 'sale' AND userid IS NOT NULL)
    GROUP BY period ORDER BY period`;
}

/** Questions of analysts, as SQL over the warehouse: for notebook 3c and for `deno task sql`. */
export const INSIGHTS = {
  /** Sessions of known users with and without a sale; invoices and products of those with one. */
  sessions: `
    SELECT sale, count(*) AS sessions, round(avg(hits), 1) AS hits,
      round(avg("sessionDuration") / 60, 1) AS minutes, round(avg(invoices), 2) AS invoices,
      round(avg(products), 1) AS products
    FROM (SELECT sessionid, any_value(hits) AS hits, any_value("sessionDuration") AS "sessionDuration",
        bool_or(kind IS NOT DISTINCT FROM 'sale') AS sale, count(DISTINCT "InvoiceNo") AS invoices,
        count(DISTINCT "StockCode") AS products
      FROM warehouse.session_mapped WHERE userid IS NOT NULL GROUP BY sessionid)
    GROUP BY 1 ORDER BY 1`,
  /** Sessions with a sale, by their number of invoices. */
  invoices: `
    SELECT invoices, count(*) AS sessions FROM (
      SELECT count(DISTINCT "InvoiceNo") AS invoices FROM warehouse.session_mapped
      WHERE kind = 'sale' GROUP BY sessionid)
    GROUP BY 1 ORDER BY 1`,
  /** Sessions with a sale, by their number of distinct products. */
  baskets: `
    SELECT products, count(*) AS sessions FROM (
      SELECT count(DISTINCT "StockCode") AS products FROM warehouse.session_mapped
      WHERE kind = 'sale' GROUP BY sessionid)
    GROUP BY 1 ORDER BY 1`,
  /** The products bought in most sessions. */
  names: `
    SELECT max("Description") AS name, count(DISTINCT sessionid) AS sessions
    FROM warehouse.session_mapped WHERE kind = 'sale'
    GROUP BY "StockCode" ORDER BY 2 DESC, 1 LIMIT 12`,
  /** The sessions with most products, and the names of a few of these. */
  products: `
    SELECT userid, strftime(start_ts, '%Y-%m-%d %H:%M') AS start,
      count(DISTINCT "StockCode") AS products, sum(amount)::DOUBLE AS amount,
      array_to_string(list_slice(list_sort(list(DISTINCT "Description")), 1, 4), ', ') AS names
    FROM warehouse.session_mapped WHERE kind = 'sale'
    GROUP BY sessionid, userid, start_ts ORDER BY products DESC, userid LIMIT 10`,
  /** Amounts sold in sessions, by city. */
  cities: `
    SELECT coalesce(city, 'unknown') AS city, sum(amount)::DOUBLE AS amount,
      count(DISTINCT sessionid) AS sessions
    FROM warehouse.session_mapped WHERE "InvoiceNo" IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 12`,
  /** Amounts sold in sessions, by hour of the day. */
  hours: `
    SELECT hour("InvoiceDate") AS hour, sum(amount)::DOUBLE AS amount
    FROM warehouse.session_mapped WHERE "InvoiceNo" IS NOT NULL GROUP BY 1 ORDER BY 1`,
  /** Share of known users' sessions with a sale, by kind of landing page. */
  landings: `
    SELECT coalesce(nullif(regexp_extract(landing_url, '^https?://[^/]+/([^/?]*)', 1), ''), 'home') AS page,
      count(*) AS sessions, count_if(sale) AS sales
    FROM (SELECT sessionid, any_value(landing_url) AS landing_url, bool_or(kind IS NOT DISTINCT FROM 'sale') AS sale
      FROM warehouse.session_mapped WHERE userid IS NOT NULL GROUP BY sessionid)
    GROUP BY 1 ORDER BY sales / sessions DESC`,
  /** Ranks by day of the users who were among the first five most often. */
  ranks: `
    SELECT date_ts, userid, rank::INTEGER AS rank FROM warehouse.daily_top_spenders
    WHERE grain = 'day' AND userid IN (SELECT userid FROM warehouse.daily_top_spenders
      WHERE grain = 'day' AND rank <= 5 GROUP BY userid ORDER BY count(*) DESC, sum(daily_spend) DESC, userid LIMIT 8)
    ORDER BY userid, date_ts`,
  /** Customers of each month, and those of them who bought in an earlier month. */
  repeats: repeatsSql("month"),
} as const;

/** A step from one kind of page to another, in sessions of known users. */
export interface Transition {
  from: string;
  to: string;
  /** Sessions with the step, and those of them with a sale. */
  sessions: number;
  sales: number;
  /** How much likelier a sale is in sessions with the step than in those without it. */
  lift: number;
  /** The lift's 95 % interval. */
  low: number;
  high: number;
}

/**
 * Compares, for each step between kinds of pages, sessions with the step and sessions without it:
 * the ratio of their shares of sales, with Katz's interval of a ratio of two shares (logarithm,
 * normal approximation). Checkout and thanks belong to the sale itself and are left out, as are
 * crawlers and visitors without a login.
 *
 * @param support fewest sessions with the step that it is shown for. @default 30
 */
export async function transitionLift(pipeline: Pipeline, support = 30): Promise<Transition[]> {
  const rows = await records(
    pipeline.lake,
    `WITH steps AS (${STEPS_SQL}),
     bought AS (SELECT sessionid, bool_or(kind IS NOT DISTINCT FROM 'sale') AS sale
       FROM warehouse.session_mapped WHERE userid IS NOT NULL GROUP BY 1),
     total AS (SELECT count(*) AS n, count_if(sale) AS k FROM bought)
     SELECT page AS "from", next AS "to", count(*)::INTEGER AS sessions,
       count_if(sale)::INTEGER AS sales, any_value(n)::INTEGER AS n, any_value(k)::INTEGER AS k
     FROM (SELECT DISTINCT sessionid, page, next FROM steps) JOIN bought USING (sessionid), total
     GROUP BY 1, 2 HAVING count(*) >= ${support} AND count_if(sale) > 0 AND any_value(k) > count_if(sale)
     ORDER BY 1, 2`,
  );
  return rows.map((row) => {
    const [sessions, sales, n, k] = [row.sessions, row.sales, row.n, row.k].map(Number) as [
      number,
      number,
      number,
      number,
    ];
    const [restSessions, restSales] = [n - sessions, k - sales];
    const lift = sales / sessions / (restSales / restSessions);
    const error = Math.sqrt(1 / sales - 1 / sessions + 1 / restSales - 1 / restSessions);
    const [low, high] = [lift * Math.exp(-1.96 * error), lift * Math.exp(1.96 * error)];
    return { from: String(row.from), to: String(row.to), sessions, sales, lift, low, high };
  }).sort((a, b) => b.lift - a.lift);
}

const STEPS_SQL = `
  SELECT sessionid, page, next FROM (
    SELECT sessionid, page, lead(page) OVER (PARTITION BY sessionid ORDER BY ts, page) AS next
    FROM (SELECT sessionid, ts, coalesce(nullif(
        regexp_extract(url, '^https?://[^/]+/([^/?]*)', 1), ''), 'home') AS page
      FROM processed.omniture WHERE userid IS NOT NULL))
  WHERE next IS NOT NULL AND page NOT IN ('checkout', 'thanks') AND next NOT IN ('checkout', 'thanks')`;
