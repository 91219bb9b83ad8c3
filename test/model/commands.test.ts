import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import pl from "nodejs-polars";
import { homePaths, projectRoot } from "clickstream/config";
import { generateShop } from "clickstream/events";
import {
  closeLakehouse,
  type Lakehouse,
  openLakehouse,
  overwriteTable,
} from "clickstream/lakehouse";
import {
  listVersions,
  registerModel,
  retrain,
  setAlias,
  splitByTime,
  trainPropensity,
} from "clickstream/model";
import { readAllRows, readLabelledRows } from "../../lib/model/training_rows.ts";
import { withHome } from "../support.ts";

const LIVE_FROM = "timestamp '2021-02-01'";

/** A silver table of a small shop; `until` leaves out what happened later. */
async function withSilver(
  body: (lake: Lakehouse, home: string, write: (until?: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const { file } = await generateShop({ events: 30_000, seed: 5, directory: join(home, "shop") });
    const lake = await openLakehouse(homePaths({ home }).lakehouse);
    try {
      const write = async (until = "timestamp '2100-01-01'") => {
        await overwriteTable(lake, "electronics_events_silver", {
          sql: `select * from (select
            cast(replace(event_time, ' UTC', '') as timestamp) as event_time, event_type,
            cast(product_id as bigint) as product_id, cast(category_id as bigint) as category_id,
            category_code, brand, cast(price as double) as price,
            cast(user_id as bigint) as user_id, user_session,
            case when cast(replace(event_time, ' UTC', '') as timestamp) >= ${LIVE_FROM}
              then 0::bigint end as partition
            from read_csv('${file}', all_varchar = true)) where event_time < ${until}`,
        });
      };
      await write();
      await body(lake, home, write);
    } finally {
      await closeLakehouse(lake);
    }
  });
}

Deno.test("history and later time are read apart, and no cart is in both", () =>
  withSilver(async (lake) => {
    const { history, later, cutoff } = await readLabelledRows(lake);
    assert.ok(cutoff.toISOString().startsWith("2021-02-01"));
    assert.ok(history.height > 10_000 && later!.height > 1000);
    const first = (rows: pl.DataFrame) =>
      rows.select(
        pl.col("event_time").cast(pl.Int64).cast(pl.Float64)
          .min(),
      ).getColumn("event_time").toArray()[0] as number;
    assert.ok(first(later!) >= cutoff.getTime() * 1000 && first(history) < cutoff.getTime() * 1000);
  }));

Deno.test("deleting later events changes no feature of an earlier row", () =>
  withSilver(async (lake, _home, write) => {
    const before = (rows: pl.DataFrame) =>
      rows.filter(pl.col("event_time").lt(pl.lit(new Date("2020-11-15T12:00:00Z"))))
        .drop("label").sort(["event_time", "user_id", "product_id", "event_type", "price"]);
    const whole = before((await readLabelledRows(lake, { later: false })).history);
    await write("timestamp '2020-11-15 12:00:00'");
    const cut = before((await readLabelledRows(lake, { later: false })).history);
    assert.ok(cut.height > 3000);
    // Rows may differ by carts still open at the cut, features may not.
    const keys = ["user_id", "user_session", "product_id", "event_time", "event_type", "price"];
    const text = (rows: pl.DataFrame) => rows.toRecords().map((row) => JSON.stringify(row));
    const all = new Set(text(whole));
    const extra = text(cut).filter((row) => !all.has(row));
    assert.deepEqual(extra.slice(0, 3), [], keys.join(", "));
  }));

Deno.test("export:training and evaluate run on a home, and score held-out carts and later time", () =>
  withSilver(async (lake, home) => {
    const { history } = await readLabelledRows(lake, { later: false });
    const model = await trainPropensity(history, {
      drop: ["category_id"],
      parameters: { width: 16, epochs: 3 },
      baselines: false,
    });
    const { registry } = homePaths({ home });
    await registerModel(registry, model, { name: "clickstream" });
    await setAlias(registry, "clickstream", "production", 1);
    const run = async (name: string) =>
      (await promisify(execFile)(
        process.execPath,
        ["run", "-A", join(projectRoot, "lib", "model", "commands", name)],
        { env: { ...process.env, CLICKSTREAM_HOME: home } },
      )).stdout;
    const evaluated = await run("evaluate.ts");
    assert.match(evaluated, /held-out carts: \d+ rows, \d+ positive/);
    assert.match(evaluated, /later time: \d+ rows, \d+ positive/);
    const report = JSON.parse(readFileSync(join(home, "evaluation.json"), "utf8"));
    const { averagePrecision } = report["held-out carts"].scores;
    assert.ok(Math.abs(averagePrecision - model.scores.test!.averagePrecision) < 1e-9);
    await run("export_training.ts");
    const test = pl.readParquet(join(home, "training", "test.parquet"));
    assert.equal(test.height, model.rows.test.rows);
    assert.ok(test.columns.includes("label") && test.columns.includes("split"));
  }));

Deno.test("retrain registers a candidate, compares on later rows and tells drift", () =>
  withSilver(async (lake, home) => {
    const { history } = await readLabelledRows(lake, { later: false });
    const parameters = { width: 16, epochs: 2 };
    const model = await trainPropensity(history, { drop: ["category_id"], parameters });
    const { registry } = homePaths({ home });
    const cutoff = "2021-02-01T00:00:00.000Z";
    await registerModel(registry, model, { name: "clickstream", tags: { cutoff } });
    await setAlias(registry, "clickstream", "production", 1);
    const { rows, version } = await readAllRows(lake);
    const options = { name: "clickstream", silverVersion: version, resamples: 100 };
    await assert.rejects(
      retrain(registry, rows, { ...options, boundary: new Date("2021-01-20T00:00:00Z") }),
      /has learnt from events up to 2021-02-01/,
    );
    const boundary = new Date("2021-02-15T00:00:00Z");
    const { version: second, result, drift } = await retrain(registry, rows, {
      ...options,
      boundary,
    });
    assert.equal(second, 2);
    const later = (await splitByTime(rows, { boundary })).later;
    assert.equal(result.rows, later.height);
    assert.ok(drift.length > 10 && drift.every(({ psi }) => Number.isFinite(psi)));
    const production = (await listVersions(registry, "clickstream"))
      .find(({ aliases }) => aliases.includes("production"));
    assert.equal(production?.version, result.promoted ? 2 : 1);
  }));

Deno.test("without events the commands say which notebook makes them", () =>
  withHome(async (home) => {
    const lake = await openLakehouse(homePaths({ home }).lakehouse);
    try {
      await assert.rejects(readLabelledRows(lake), {
        name: "NotFoundError",
        message: /no events yet: run notebooks 0b and 1a/,
      });
    } finally {
      await closeLakehouse(lake);
    }
  }));
