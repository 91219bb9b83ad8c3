import assert from "node:assert/strict";
import fc from "fast-check";
import { assertTies, hoursBetween, runHour, runHours } from "clickstream/marketing";
import {
  allTables,
  ask,
  deliverHour,
  type TestHit,
  type TestSale,
  withPipeline,
} from "./support.ts";

const HOURS = hoursBetween("20101201_08", "20101201_10");
const MINUTE = 60_000;
const START = Date.parse("2010-12-01T08:00:00Z");

/** A hit, and the hour whose file it comes in: mostly its own, sometimes another. */
const hit = fc.record({
  minute: fc.integer({ min: 0, max: 179 }),
  user: fc.constantFrom("1", "2"),
  late: fc.option(fc.constantFrom(0, 1, 2), { freq: 3 }),
});

Deno.test("Sessions hour by hour, with late and early files in any order, equal one pass over all hits", async () => {
  const example = fc.tuple(
    fc.array(hit, { minLength: 20, maxLength: 40 }),
    fc.shuffledSubarray([0, 1, 2], { minLength: 3, maxLength: 3 }),
  );
  await fc.assert(
    fc.asyncProperty(example, async ([hits, order]) => {
      await withPipeline(async (pipeline) => {
        for (const place of order) {
          const mine = hits.filter(({ minute, late }) =>
            (late ?? Math.floor(minute / 60)) === place
          );
          deliverHour(pipeline, HOURS[place]!, mine.map(asHit));
          const status = await runHour(pipeline, HOURS[place]!);
          assert.equal(status.state, "succeeded", status.reason);
        }
        const found = await ask(
          pipeline,
          "SELECT userid, epoch_ms(start_ts) AS start, epoch_ms(end_ts) AS end, hits FROM warehouse.sessions ORDER BY userid, start_ts",
        );
        assert.deepEqual(found, onePass(hits));
        await assertTies(pipeline);
      });
    }),
    { numRuns: 3 },
  );
});

type Hit = { minute: number; user: string };

function asHit({ minute, user }: Hit): TestHit {
  const ts = new Date(START + minute * MINUTE).toISOString().slice(0, 19).replace("T", " ");
  return { ts, userid: user };
}

/** The naive reference: all hits in order, a new session after 30 minutes without one. */
function onePass(hits: readonly Hit[]) {
  return ["1", "2"].flatMap((userid) => {
    const times = hits.filter(({ user }) => user === userid).map(({ minute }) => minute)
      .sort((a, b) => a - b);
    const sessions: { userid: string; start: number; end: number; hits: number }[] = [];
    for (const minute of times) {
      const time = START + minute * MINUTE;
      const open = sessions.at(-1);
      if (open === undefined || time - open.end >= 30 * MINUTE) {
        sessions.push({ userid, start: time, end: time, hits: 1 });
      } else {
        open.end = time;
        open.hits += 1;
      }
    }
    return sessions;
  });
}

Deno.test("Hours run together give the tables that they give one by one", async () => {
  const files = (hour: string): [TestHit[], TestSale[]] => {
    const at = (minute: string) => `2010-12-01 ${hour.slice(9)}:${minute}:00`;
    return [
      [{ ts: at("05"), userid: "1" }, { ts: at("50"), userid: "1" }, {
        ts: at("20"),
        ip: "10.0.0.3",
      }],
      [[`5${hour.slice(9)}`, at("10"), 2, 1.5, "1"], [`6${hour.slice(9)}`, at("40"), 1, 9, "1"]],
    ];
  };
  const tables = (together: boolean) =>
    withPipeline(async (pipeline) => {
      for (const hour of HOURS) deliverHour(pipeline, hour, ...files(hour));
      for (const unit of together ? [HOURS] : HOURS.map((hour) => [hour])) {
        const ended = await runHours(pipeline, unit);
        assert.deepEqual(ended.map(({ reason }) => reason), unit.map(() => ""));
      }
      return await allTables(pipeline);
    });
  assert.deepEqual(await tables(true), await tables(false));
});
