import assert from "node:assert/strict";
import { assertTies, runHour, setUp } from "clickstream/marketing";
import {
  allTables,
  ask,
  deliverHour,
  type TestHit,
  type TestSale,
  withPipeline,
} from "./support.ts";

const HOUR = "20101201_08";
const HITS: TestHit[] = [
  { ts: "2010-12-01 08:10:00", userid: "17850", url: "http://shop.example/newsletter" },
  { ts: "2010-12-01 08:20:00", userid: "17850", url: "http://shop.example/basket" },
  { ts: "2010-12-01 08:50:00", userid: "17850", url: "http://shop.example/" },
  { ts: "2010-12-01 08:30:00", url: "http://shop.example/sale", ip: "10.0.0.2" },
];
const SALES: TestSale[] = [
  ["536365", "2010-12-01 08:26:00", 6, 2.55, "17850.0"],
  ["536365", "2010-12-01 08:26:00", 2, 7.65, "17850.0"],
  ["C536379", "2010-12-01 08:41:00", -1, 27.5, "17850"],
  ["536366", "2010-12-01 08:28:00", 6, 1.85, "13047"],
  ["536414", "2010-12-01 08:52:00", 56, 0, ""],
];

Deno.test("An hour of hits and sales becomes sessions, mapped sales and a ranking", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, HOUR, HITS, SALES);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.reason], ["succeeded", ""]);
    assert.deepEqual([status.hits, status.sales, status.rejected], [4, 5, 0]);
    const sessions = await ask(
      pipeline,
      `SELECT userid, "sessionDuration" AS seconds, hits, landing_url FROM warehouse.sessions
       ORDER BY start_ts`,
    );
    assert.deepEqual(sessions, [
      { userid: "17850", seconds: 600, hits: 2, landing_url: "http://shop.example/newsletter" },
      { userid: null, seconds: 0, hits: 1, landing_url: "http://shop.example/sale" },
      // 30 minutes after the hit before: a session of its own.
      { userid: "17850", seconds: 0, hits: 1, landing_url: "http://shop.example/" },
    ]);
    const mapped = await ask(
      pipeline,
      `SELECT strftime(start_ts, '%H:%M') AS start, "InvoiceNo" AS invoice, amount::DOUBLE AS amount,
       kind FROM warehouse.session_mapped ORDER BY ALL`,
    );
    assert.deepEqual(mapped, [
      { start: "08:10", invoice: "536365", amount: 15.3, kind: "sale" },
      { start: "08:10", invoice: "536365", amount: 15.3, kind: "sale" },
      { start: "08:10", invoice: "C536379", amount: -27.5, kind: "cancellation" },
      { start: "08:30", invoice: null, amount: null, kind: null },
      { start: "08:50", invoice: null, amount: null, kind: null },
    ]);
    assert.deepEqual(
      await ask(
        pipeline,
        "SELECT grain, date_ts, userid, daily_spend::DOUBLE AS spend, rank::INTEGER AS rank FROM warehouse.daily_top_spenders ORDER BY date_ts",
      ),
      [
        { grain: "day", date_ts: "20101201", userid: "17850", spend: 3.1, rank: 1 },
        { grain: "hour", date_ts: HOUR, userid: "17850", spend: 3.1, rank: 1 },
      ],
    );
    const logs = await ask(
      pipeline,
      "SELECT grain, count(*) AS hits FROM warehouse.daily_top_spenders_usage_logs GROUP BY 1 ORDER BY 1",
    );
    assert.deepEqual(logs, [{ grain: "day", hits: 3 }, { grain: "hour", hits: 3 }]);
    assert.equal((await assertTies(pipeline)).unmapped, 2);
  });
});

Deno.test("An hour that is run again changes no table", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, HOUR, HITS, SALES);
    await runHour(pipeline, HOUR);
    const before = await allTables(pipeline);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.attempts], ["succeeded", 2]);
    await setUp(pipeline.lake);
    assert.deepEqual(await allTables(pipeline), before);
  });
});

Deno.test("The view raw.omniture names columns 2, 8, 13, 14, 50, 51 and 53 of the log", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, HOUR, [{ ...HITS[0]!, city: "London" }]);
    await runHour(pipeline, HOUR);
    assert.deepEqual(
      await ask(
        pipeline,
        "SELECT strftime(ts, '%H:%M') AS time, ip, url, userid, city, country, state, date_ts FROM raw.omniture",
      ),
      [{
        time: "08:10",
        ip: "10.0.0.1",
        url: "http://shop.example/newsletter",
        userid: "17850",
        city: "London",
        country: null,
        state: null,
        date_ts: HOUR,
      }],
    );
  });
});
