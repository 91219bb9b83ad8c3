import assert from "node:assert/strict";
import { join } from "node:path";
import pl from "nodejs-polars";
import { homePaths } from "clickstream/config";
import { generateShop } from "clickstream/events";
import { closeLakehouse, openLakehouse, query } from "clickstream/lakehouse";
import { historySql, trainingRowsSql } from "clickstream/metrics";
import { featureGroups, leakStudy, leakySql, trainPropensity } from "clickstream/model";
import { withHome } from "../support.ts";

/** Training rows of a small shop, with the totals of whole sessions beside them. */
async function leakyRows(events: number): Promise<pl.DataFrame> {
  let rows: pl.DataFrame | undefined;
  await withHome(async (home) => {
    const { file } = await generateShop({ events, seed: 8, directory: join(home, "shop") });
    const lake = await openLakehouse(homePaths({ home }).lakehouse);
    try {
      const table = `(select cast(replace(event_time, ' UTC', '') as timestamp) as event_time,
        event_type, cast(product_id as bigint) as product_id,
        cast(category_id as bigint) as category_id, category_code, brand,
        cast(price as double) as price, cast(user_id as bigint) as user_id, user_session
        from read_csv('${file}', all_varchar = true))`;
      const known = trainingRowsSql({
        events: table,
        cutoff: new Date("2021-02-01"),
        history: (set) => `(${historySql(set, table)})`,
      });
      rows = await query(lake, leakySql(known, table));
    } finally {
      await closeLakehouse(lake);
    }
  });
  return rows!;
}

const rows = await leakyRows(24_000);

Deno.test("totals of the whole session give the answer away; without them the score falls", async () => {
  const found = await leakStudy(rows, { drop: ["category_id"] });
  const [leak, hidden, honest] = found.map(({ scores }) => scores!.averagePrecision);
  assert.equal(found.length, 3);
  assert.ok(leak! > 0.9, `${leak}`);
  assert.ok(leak! > hidden! && hidden! > honest! + 0.1, `${leak} ${hidden} ${honest}`);
});

Deno.test("keys alone score at chance", async () => {
  const keys = rows.select(
    "user_id",
    "user_session",
    pl.col("user_id").cast(pl.Float64).alias("user"),
    pl.col("user_id").cast(pl.Utf8).str.slice(-3).alias("end_of_user"),
    pl.col("user_session").str.slice(0, 2).alias("start_of_session"),
    pl.col("label"),
  );
  const model = await trainPropensity(keys, {
    parameters: { width: 16, epochs: 4 },
    baselines: false,
  });
  const auc = model.scores.test!.rocAuc!;
  assert.ok(Math.abs(auc - 0.5) < 0.1, `ROC AUC ${auc}`);
});

Deno.test("rows with fewer positives than a network needs have no leak to show", async () => {
  assert.deepEqual(await leakStudy(rows.head(400)), []);
  assert.deepEqual(await leakStudy(rows.head(0)), []);
});

Deno.test("every column of our rows has a group, others are put aside", () => {
  const names = rows.columns.filter((name) =>
    !/^(user_id|user_session|product_id|label|session_\w+)$/.test(name)
  );
  const groups = featureGroups([...names, "colour"]);
  assert.deepEqual(groups.other, ["colour"]);
  assert.equal(Object.values(groups).flat().length, names.length + 1);
  assert.ok(groups["time since"]!.includes("cart__seconds_since_last_event"));
  assert.deepEqual(groups["cart's contents"], ["cart__products", "cart__cart_value"]);
});
