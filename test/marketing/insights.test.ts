import assert from "node:assert/strict";
import { records } from "clickstream/lakehouse";
import { INSIGHTS, repeatsSql, runHours, transitionLift } from "clickstream/marketing";
import { ask, deliverHour, type TestHit, type TestSale, withPipeline } from "./support.ts";

const [FIRST, SECOND] = ["20101201_08", "20101202_08"] as const;

/** Four sessions of three users: those of 1 and 2 on the first day have a sale. */
const hits = (day: string, ...users: string[]): TestHit[] =>
  users.flatMap((userid) =>
    ["newsletter", "product/1", "reviews/1"].slice(userid === "3" ? 1 : 0).map((page, i) => ({
      ts: `2010-12-${day} 08:1${i}:00`,
      userid,
      city: "Leeds",
      url: `http://shop.example/${page}`,
    }))
  );
const sales = (day: string, ...sold: [invoice: string, userid: string][]): TestSale[] =>
  sold.map(([invoice, userid]) => [invoice, `2010-12-${day} 08:15:00`, 2, 5, userid]);

Deno.test("The analysts' questions are answered from sessions with and without a sale", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(
      pipeline,
      FIRST,
      hits("01", "1", "2", "3"),
      sales("01", ["10", "1"], ["11", "1"], ["12", "2"]),
    );
    deliverHour(pipeline, SECOND, hits("02", "1"), sales("02", ["13", "1"], ["14", "9"]));
    for (const hour of [FIRST, SECOND]) await runHours(pipeline, [hour]);
    const answer = (name: keyof typeof INSIGHTS) => ask(pipeline, INSIGHTS[name]);
    const outcomes = (await answer("sessions")).map(({ sale, sessions }) => [sale, sessions]);
    assert.deepEqual(outcomes, [[false, 1], [true, 3]]);
    assert.deepEqual(await answer("invoices"), [
      { invoices: 1, sessions: 2 },
      { invoices: 2, sessions: 1 },
    ]);
    assert.deepEqual(await answer("baskets"), [{ products: 1, sessions: 3 }]);
    assert.deepEqual(await answer("names"), [{ name: "HEART HOLDER", sessions: 3 }]);
    assert.deepEqual(await answer("landings"), [
      { page: "newsletter", sessions: 3, sales: 3 },
      { page: "product", sessions: 1, sales: 0 },
    ]);
    assert.deepEqual(await answer("cities"), [{ city: "Leeds", amount: 40, sessions: 3 }]);
    assert.deepEqual(await answer("hours"), [{ hour: 8, amount: 40 }]);
    assert.deepEqual(await answer("repeats"), [{ period: "2010-12", customers: 3, returning: 0 }]);
    assert.deepEqual(await ask(pipeline, repeatsSql("day")), [
      { period: "2010-12-01", customers: 2, returning: 0 },
      { period: "2010-12-02", customers: 2, returning: 1 },
    ]);
    assert.equal((await answer("ranks")).length, 3);
    assert.equal((await records(pipeline.lake, INSIGHTS.products)).length, 3);
  });
});

Deno.test("The lift of a step is the ratio of the shares of sales with and without it", async () => {
  await withPipeline(async (pipeline) => {
    const users = Array.from({ length: 8 }, (_, i) => String(i + 10));
    // Six of eight go from newsletter to product; four of these buy, and one of the others.
    const all = users.flatMap((userid, i): TestHit[] =>
      [i < 6 ? "newsletter" : "search", "product/1"].map((page, at) => ({
        ts: `2010-12-01 08:1${at}:00`,
        userid,
        url: `http://shop.example/${page}`,
      }))
    );
    const buyers = [0, 1, 2, 3, 6].map((i): [string, string] => [`${i}`, users[i]!]);
    deliverHour(pipeline, FIRST, all, sales("01", ...buyers));
    await runHours(pipeline, [FIRST]);
    const [step] = await transitionLift(pipeline, 3);
    const { from, to, sessions, sales: sold, lift, low, high } = step!;
    assert.deepEqual([from, to, sessions, sold], ["newsletter", "product", 6, 4]);
    assert.ok(Math.abs(lift - (4 / 6) / (1 / 2)) < 1e-12);
    const error = 1.96 * Math.sqrt(1 / 4 - 1 / 6 + 1 / 1 - 1 / 2);
    assert.ok(Math.abs(low - lift * Math.exp(-error)) < 1e-9);
    assert.ok(Math.abs(high - lift * Math.exp(error)) < 1e-9);
  });
});
