import { join } from "node:path";
import pl from "nodejs-polars";
import {
  averagePrecision,
  bootstrapDifference,
  cartGroups,
  featureGroups,
  scoreFrame,
  trainPropensity,
} from "clickstream/model";

/**
 * What each group of features is worth: the default network trained without it, against all of them,
 * on the same rows. `deno run -A bench/ablation.ts ROWS [rows to train on]`, where ROWS is what
 * `deno task export:training` wrote.
 */
const [folder, most = "40000"] = Deno.args;
if (folder === undefined) throw new Error("Name the folder that deno task export:training wrote.");

const read = (part: string) => pl.readParquet(join(folder, `${part}.parquet`)).drop("split");
const frames = { train: read("train"), validation: read("validation") };
const test = read("test");
const labels = test.getColumn("label").cast(pl.Float64).toArray() as number[];
const { group } = await cartGroups(test, ["user_id", "user_session"]);

async function predictionsWithout(drop: string[]): Promise<Float64Array> {
  const model = await trainPropensity(frames, {
    drop: ["category_id", ...drop],
    maxTrainRows: Number(most),
    baselines: false,
  });
  return await scoreFrame(model, test);
}

const whole = await predictionsWithout([]);
console.log(`all features: average precision ${averagePrecision(labels, whole).toFixed(4)}`);
console.log("| without | average precision | difference | 95 % |\n| --- | --- | --- | --- |");
const keys = new Set(["user_id", "user_session", "product_id", "category_id", "label"]);
const groups = featureGroups(test.columns.filter((name) => !keys.has(name)));
for (const [name, columns] of Object.entries(groups)) {
  const without = await predictionsWithout(columns);
  const { averagePrecision: ap } = bootstrapDifference(labels, without, whole, {
    groups: group,
    resamples: 200,
  });
  const own = averagePrecision(labels, without).toFixed(4);
  const [value, low, high] = [ap.value, ap.low, ap.high].map((x) => x.toFixed(4));
  console.log(`| ${name} (${columns.length}) | ${own} | ${value} | ${low} to ${high} |`);
}
Deno.exit(0);
