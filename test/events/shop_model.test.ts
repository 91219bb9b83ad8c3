import assert from "node:assert/strict";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { generateShop, readEvents } from "clickstream/events";
import { withHome } from "../support.ts";

/**
 * What may honestly be known at an event: the session so far, the product's past days, and how
 * often the category was bought before February. Label: the product is bought later in the session.
 */
const ROWS = `
  CREATE TEMP TABLE so_far AS
  SELECT *, count(*) OVER session AS events, count(*) OVER product AS repeats,
    count(*) FILTER (event_type = 'cart') OVER session AS carts,
    min(event_time) OVER (PARTITION BY user_id, user_session) AS started,
    min(event_time) FILTER (event_type = 'purchase')
      OVER (PARTITION BY user_id, user_session, product_id) AS bought
  FROM events WHERE user_session IS NOT NULL
  WINDOW session AS (PARTITION BY user_id, user_session ORDER BY event_time),
    product AS (PARTITION BY user_id, user_session, product_id ORDER BY event_time);
  CREATE TEMP TABLE days AS
  SELECT product_id, day, sum(views) OVER past AS views, sum(carts) OVER past AS carts
  FROM (
    SELECT product_id, event_time::DATE + 1 AS day, count(*) AS views,
      count(*) FILTER (event_type = 'cart') AS carts
    FROM events GROUP BY ALL
  ) WINDOW past AS (PARTITION BY product_id ORDER BY day);
  CREATE TEMP TABLE candidates AS
  SELECT *, (bought IS NOT NULL)::INT AS label, started >= '2021-02-01' AS is_test FROM so_far
  WHERE event_type <> 'purchase' AND (bought IS NULL OR event_time < bought)
    AND (started >= '2021-02-01' OR event_time < '2021-02-01');
  CREATE TEMP TABLE categories AS
  SELECT coalesce(category_code, '') AS code, (sum(label) + 2) / (count(*) + 40) AS rate
  FROM candidates WHERE NOT is_test GROUP BY ALL;`;

const FEATURES = `
  SELECT label::DOUBLE, is_test, (event_type = 'cart')::DOUBLE, ln(price), ln(events),
    (candidates.carts > 0)::DOUBLE, (repeats > 1)::DOUBLE, ln(coalesce(rate, 0.07)),
    ln(1 + coalesce(days.views, 0)), (coalesce(days.carts, 0) + 1) / (coalesce(days.views, 0) + 14)
  FROM candidates
  ASOF LEFT JOIN days ON candidates.product_id = days.product_id
    AND candidates.event_time::DATE >= days.day
  LEFT JOIN categories ON coalesce(category_code, '') = code`;

interface Sample {
  features: Float64Array[];
  labels: Float64Array;
  isTest: boolean[];
}

async function sampleOf(connection: DuckDBConnection): Promise<Sample> {
  await connection.run(ROWS);
  const columns = (await connection.runAndReadAll(FEATURES)).getColumns();
  const [labels, isTest, ...features] = columns as [number[], boolean[], ...number[][]];
  return { features: features.map(standardize), labels: Float64Array.from(labels), isTest };
}

function standardize(values: number[]): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return Float64Array.from(values, (value) => (value - mean) / spread * Math.sqrt(values.length));
}

/** Logistic regression by gradient descent with momentum; answers a score for every row. */
function fit({ features, labels, isTest }: Sample, steps: number): Float64Array {
  const weights = new Float64Array(features.length + 1);
  const speed = new Float64Array(features.length + 1);
  const scores = new Float64Array(labels.length);
  const trained = isTest.filter((test) => !test).length;
  for (let step = 0; step < steps; step++) {
    scores.fill(weights[features.length]!);
    for (const [f, column] of features.entries()) {
      for (let i = 0; i < scores.length; i++) scores[i]! += weights[f]! * column[i]!;
    }
    const errors = scores.map((score, i) =>
      isTest[i] ? 0 : (labels[i]! - 1 / (1 + Math.exp(-score))) / trained
    );
    for (let f = 0; f <= features.length; f++) {
      const column = features[f];
      let slope = 0;
      for (let i = 0; i < errors.length; i++) slope += errors[i]! * (column ? column[i]! : 1);
      speed[f] = 0.9 * speed[f]! + slope;
      weights[f]! += speed[f]!;
    }
  }
  return scores;
}

/** Chance that a bought one scores above one that is not (ties count half). */
function rocAuc(scores: number[], labels: number[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let below = 0;
  let sum = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    let bought = 0;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) {
      bought += labels[order[to++]!]!;
    }
    const others = to - from - bought;
    sum += bought * (below + others / 2);
    below += others;
    from = to;
  }
  return sum / below / (labels.length - below);
}

Deno.test("an honest model, judged on a later month, neither fails nor shines", () =>
  withHome(async (directory) => {
    const shop = await generateShop({ events: 200_000, seed: 1, directory });
    const database = await DuckDBInstance.create(":memory:", { threads: "2" });
    const connection = await database.connect();
    try {
      await readEvents(connection, shop.file, { table: "events" });
      const sample = await sampleOf(connection);
      const scores = fit(sample, 60);
      const judge = (where: (i: number) => boolean) => {
        const rows = [...sample.labels.keys()].filter((i) => sample.isTest[i] && where(i));
        return rocAuc(rows.map((i) => scores[i]!), rows.map((i) => sample.labels[i]!));
      };
      const isCart = (i: number) => sample.features[0]![i]! > 0;
      const [all, views, carts] = [judge(() => true), judge((i) => !isCart(i)), judge(isCart)];
      const found = `all ${all.toFixed(3)}, views ${views.toFixed(3)}, carts ${carts.toFixed(3)}`;
      assert.ok(all > 0.7 && all < 0.8, found);
      assert.ok(views > 0.58 && views < 0.72, found);
      assert.ok(carts > 0.5 && carts < 0.72, found);
    } finally {
      connection.closeSync();
      database.closeSync();
    }
  }));
