import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "clickstream/config";
import {
  assertTies,
  coordinate,
  deliver,
  type HourStatus,
  landingFolder,
  parseHour,
  type Pipeline,
  simulatedClock,
} from "clickstream/marketing";
import { ask, deliverHour, hitFile, salesFile, withPipeline } from "./support.ts";

const at = (time: string) => Date.parse(`2010-12-01T${time}:00Z`);
const FIRST = "20101201_08";
const SECOND = "20101201_09";
const hitAt = (time: string, userid = "1") => ({ ts: `2010-12-01 ${time}`, userid });

/** Collects what a coordinator reports, as `hour state`. */
function report() {
  const lines: string[] = [];
  const onHour = ({ date_ts, state }: HourStatus) =>
    void lines.push(`${date_ts.slice(9)} ${state}`);
  return { lines, onHour };
}

const stateOf = (pipeline: Pipeline, hour: string) => pipeline.journal.hour(hour)!;

Deno.test("Hours run in order, each when it is over, and a second start runs none again", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, SECOND, [hitAt("09:10:00")]);
    deliverHour(pipeline, FIRST, [hitAt("08:50:00")]);
    const { lines, onHour } = report();
    const span = { from: FIRST, to: SECOND, onHour };
    await coordinate(pipeline, { ...span, clock: simulatedClock(at("07:30")) });
    await coordinate(pipeline, { ...span, clock: simulatedClock(at("12:00")) });
    assert.deepEqual(lines, ["08 succeeded", "09 succeeded"]);
    assert.equal(stateOf(pipeline, FIRST).since, at("09:00"));
    assert.equal(stateOf(pipeline, SECOND).since, at("10:00"));
    const sessions = await ask(pipeline, "SELECT hits, date_ts FROM warehouse.sessions");
    assert.deepEqual(sessions, [{ hits: 2, date_ts: FIRST }]);
  });
});

Deno.test("An hour with one input times out with the reason, holds no other up, and runs when the other input comes", async () => {
  await withPipeline(async (pipeline) => {
    deliver(pipeline.landing, FIRST, "omniture", [hitFile([hitAt("08:10:00")])]);
    deliverHour(pipeline, SECOND, [hitAt("09:30:00", "2")]);
    const sales = salesFile([["1", "2010-12-01 08:15:00", 1, 2, "1"]]);
    let reason = "";
    const late = {
      at: at("11:00"),
      happen: () => {
        reason = stateOf(pipeline, FIRST).reason;
        deliver(pipeline.landing, FIRST, "sales", [sales]);
      },
    };
    const { lines, onHour } = report();
    const clock = simulatedClock(at("09:00"), [late]);
    await coordinate(pipeline, { from: FIRST, to: "20101201_10", clock, onHour });
    assert.equal(reason, "sales: nothing was delivered; waited 10 min");
    assert.deepEqual(lines, ["08 timed out", "09 succeeded", "08 succeeded", "10 timed out"]);
    assert.equal((await assertTies(pipeline)).mapped, 1);
  });
});

Deno.test("No more hours wait at a time than the throttle allows", async () => {
  await withPipeline(async (pipeline) => {
    let most = 0;
    const count = () => most = Math.max(most, pipeline.journal.hours(["waiting"]).length);
    const clock = simulatedClock(at("20:00"));
    const counting = {
      ...clock,
      sleepUntil: (moment: number) => (count(), clock.sleepUntil(moment)),
    };
    const span = { from: FIRST, to: "20101201_13", throttle: 2 };
    const ended = await coordinate(pipeline, { ...span, clock: counting });
    assert.equal(most, 2);
    assert.deepEqual(ended.map(({ state }) => state), new Array(6).fill("timed out"));
  });
});

Deno.test("A clock that jumps ahead and back loses no hour and runs none twice", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, FIRST, [hitAt("08:10:00")]);
    deliverHour(pipeline, SECOND, [hitAt("09:50:00")]);
    const times = [at("08:30"), at("23:00"), at("09:05"), at("10:00"), at("10:30")];
    const clock = {
      now: () => times[0]!,
      sleepUntil: () => Promise.resolve(void (times.length > 1 && times.shift())),
    };
    const { lines, onHour } = report();
    await coordinate(pipeline, { from: FIRST, to: SECOND, clock, onHour });
    assert.deepEqual(lines, ["08 succeeded", "09 succeeded"]);
  });
});

Deno.test("A premature flag beside a file still being written makes the hour wait", async () => {
  await withPipeline(async (pipeline) => {
    const growing = { ...hitFile([hitAt("08:10:00")]), name: "hits.tsv.part" };
    deliver(pipeline.landing, FIRST, "omniture", [growing]);
    deliver(pipeline.landing, FIRST, "sales", []);
    const clock = simulatedClock(at("09:00"));
    const [status] = await coordinate(pipeline, { from: FIRST, to: FIRST, clock });
    assert.equal(status!.state, "timed out");
    assert.match(status!.reason, /hits\.tsv\.part is still being written/);
  });
});

Deno.test("An hour whose files lack their flag times out, and runs when the flag comes", async () => {
  await withPipeline(async (pipeline) => {
    const folder = landingFolder(pipeline.landing, FIRST, "omniture");
    mkdirSync(folder, { recursive: true });
    const { name, bytes } = hitFile([hitAt("08:10:00")]);
    writeFileSync(join(folder, name), bytes);
    deliver(pipeline.landing, FIRST, "sales", []);
    let reason = "";
    const flag = {
      at: at("13:00"),
      happen: () => {
        reason = stateOf(pipeline, FIRST).reason;
        writeFileSync(join(folder, "_SUCCESS"), "");
      },
    };
    const clock = simulatedClock(at("09:00"), [flag]);
    const { lines, onHour } = report();
    await coordinate(pipeline, { from: FIRST, to: "20101201_12", clock, onHour });
    assert.equal(reason, "omniture: files are there without _SUCCESS; waited 10 min");
    assert.deepEqual(lines.filter((line) => line.startsWith("08")), [
      "08 timed out",
      "08 succeeded",
    ]);
    assert.equal((await assertTies(pipeline)).hits, 1);
  });
});

Deno.test("Deliveries while the clock runs are taken hour by hour, an early one not before its hour is over", async () => {
  await withPipeline(async (pipeline) => {
    // An hour of this clock is over in milliseconds; it stands still for nobody.
    const [began, from] = [performance.now(), at("08:30")];
    const now = () => from + (performance.now() - began) * 20_000;
    const clock = { now, sleepUntil: () => sleep(1) };
    const third = "20101201_10";
    deliverHour(pipeline, third, [hitAt("10:10:00")]);
    const early: boolean[] = [];
    const onHour = ({ date_ts }: HourStatus) => {
      early.push(now() < parseHour(date_ts).getTime() + 3_600_000);
      if (date_ts === FIRST) deliverHour(pipeline, SECOND, [hitAt("09:50:00")]);
    };
    deliverHour(pipeline, FIRST, [hitAt("08:40:00")]);
    const minutes = { timeoutMinutes: 10_000 };
    const ended = await coordinate(pipeline, { from: FIRST, to: third, clock, onHour, ...minutes });
    assert.deepEqual(ended.map(({ state }) => state), new Array(3).fill("succeeded"));
    assert.deepEqual(early, [false, false, false]);
    assert.equal((await assertTies(pipeline)).hits, 3);
  });
});

Deno.test("A delivery is refused while the last one of that hour is not taken", async () => {
  await withPipeline((pipeline) => {
    deliver(pipeline.landing, FIRST, "sales", []);
    assert.throws(() => deliver(pipeline.landing, FIRST, "sales", []), /is not yet taken/);
    return Promise.resolve();
  });
});
