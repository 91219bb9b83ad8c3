import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { assertTies, coordinate, deliver, runHour, simulatedClock } from "clickstream/marketing";
import {
  allTables,
  ask,
  deliverHour,
  hitFile,
  hitLine,
  SALES_HEADER,
  salesFile,
  textFile,
  withPipeline,
} from "./support.ts";

const HOUR = "20101201_08";
const GOOD = hitLine({ ts: "2010-12-01 08:10:00", userid: "1" });
const REJECTS = "SELECT source_file, line, reason FROM raw.rejects ORDER BY kind, line";

Deno.test("Lines that are no hits are rejected with file, line and reason, and the others taken", async () => {
  await withPipeline(async (pipeline) => {
    const lines = [
      GOOD,
      "a\tb",
      `${GOOD}\tmore`,
      hitLine({ ts: "yesterday" }),
      hitLine({ ts: "2010-13-01 08:00:00" }),
      "",
      GOOD,
    ];
    deliver(pipeline.landing, HOUR, "omniture", [textFile("hits.tsv", lines)]);
    deliver(pipeline.landing, HOUR, "sales", []);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.hits, status.rejected], ["succeeded", 2, 4]);
    const source_file = `${HOUR}/omniture/hits.tsv`;
    assert.deepEqual(await ask(pipeline, REJECTS), [
      { source_file, line: 2, reason: "2 columns, expected 178" },
      { source_file, line: 3, reason: "179 columns, expected 178" },
      { source_file, line: 4, reason: "column 2 is not a time: yesterday" },
      { source_file, line: 5, reason: "column 2 is not a time: 2010-13-01 08:00:00" },
    ]);
    await assertTies(pipeline);
  });
});

Deno.test("A line in another encoding is rejected alone", async () => {
  await withPipeline(async (pipeline) => {
    const latin = new Uint8Array([...new TextEncoder().encode(`${GOOD}\nMalm`), 0xf6, 10]);
    deliver(pipeline.landing, HOUR, "omniture", [{ name: "hits.tsv", bytes: latin }]);
    deliver(pipeline.landing, HOUR, "sales", []);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.hits, status.rejected], [1, 1]);
    const [found] = await ask(pipeline, REJECTS);
    assert.deepEqual([found!.line, found!.reason], [2, "it is not UTF-8 text"]);
  });
});

Deno.test("A sales line in another encoding is rejected alone, and a file that is no text with every line", async () => {
  await withPipeline(async (pipeline) => {
    const encode = (text: string) => [...new TextEncoder().encode(text)];
    const good = "1,A,B,2,2010-12-01 08:15:00,1.25,1,France\n";
    const latin = [
      ...encode(`${SALES_HEADER}\n${good}2,A,CAF`),
      0xc9,
      ...encode(`,${good.slice(4)}`),
    ];
    deliver(pipeline.landing, HOUR, "sales", [{ name: "sales.csv", bytes: new Uint8Array(latin) }]);
    const wide = new Uint8Array(
      new Uint16Array([...`${GOOD}\n`].map((c) => c.charCodeAt(0))).buffer,
    );
    deliver(pipeline.landing, HOUR, "omniture", [{ name: "wide.tsv", bytes: wide }]);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.hits, status.sales], ["succeeded", 0, 1]);
    const found = await ask(pipeline, "SELECT kind, line FROM raw.rejects ORDER BY kind, line");
    assert.deepEqual(found.filter(({ kind }) => kind === "sales"), [{ kind: "sales", line: 3 }]);
    assert.ok(found.length > 1 && status.rejected === found.length);
    await assertTies(pipeline);
  });
});

Deno.test("A sales file whose header lacks a column fails its hour with the reason", async () => {
  await withPipeline(async (pipeline) => {
    const header = SALES_HEADER.replace(",UnitPrice", "");
    deliver(pipeline.landing, HOUR, "omniture", []);
    deliver(pipeline.landing, HOUR, "sales", [textFile("sales.csv", [header, "1,A,B,2"])]);
    const status = await runHour(pipeline, HOUR);
    assert.equal(status.state, "failed");
    assert.match(status.reason, /the header has no column UnitPrice/);
    deliver(pipeline.landing, HOUR, "sales", [
      salesFile([["1", "2010-12-01 08:11:00", 1, 2, "1"]]),
    ]);
    assert.equal((await runHour(pipeline, HOUR)).state, "succeeded");
    assert.equal((await assertTies(pipeline)).sales, 1);
  });
});

Deno.test("Sales lines that cannot be read are rejected with the reason", async () => {
  await withPipeline(async (pipeline) => {
    const sales = textFile("sales.csv", [
      SALES_HEADER,
      '1,A,"HEARTS, RED",2,2010-12-01 08:15:00,1.25,1,France',
      "2,A,B,two,2010-12-01 08:15:00,1.25,1,France",
      "3,A,B,2,soon,1.25,1,France",
      "4,A,B,2,2010-12-01 08:15:00,dear,1,France",
      "5,A,B",
    ]);
    deliver(pipeline.landing, HOUR, "omniture", []);
    deliver(pipeline.landing, HOUR, "sales", [sales]);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.sales, status.rejected], ["succeeded", 1, 4]);
    const reasons = (await ask(pipeline, REJECTS)).map(({ line, reason }) => `${line} ${reason}`);
    assert.deepEqual(reasons.slice(0, 3), [
      "3 Quantity is not a whole number: two",
      "4 InvoiceDate is not a time: soon",
      "5 UnitPrice is not a number: dear",
    ]);
    assert.match(reasons[3]!, /^6 /);
    await assertTies(pipeline);
  });
});

Deno.test("A damaged gzip file fails its hour with the reason, and a whole one delivered again is taken", async () => {
  await withPipeline(async (pipeline) => {
    const whole = gzipSync(hitFile([{ ts: "2010-12-01 08:10:00", userid: "1" }]).bytes);
    const name = "hits.tsv.gz";
    deliver(pipeline.landing, HOUR, "omniture", [{ name, bytes: whole.subarray(0, 40) }]);
    deliver(pipeline.landing, HOUR, "sales", [
      salesFile([["1", "2010-12-01 08:11:00", 1, 2, "1"]]),
    ]);
    const clock = simulatedClock(Date.parse("2010-12-01T09:00:00Z"));
    const [failed] = await coordinate(pipeline, { from: HOUR, to: HOUR, clock });
    assert.equal(failed!.state, "failed");
    assert.match(failed!.reason, /damaged or cut off/);
    const [kept] = await ask(pipeline, REJECTS);
    assert.deepEqual([kept!.source_file, kept!.line], [`${HOUR}/omniture/${name}`, null]);
    deliver(pipeline.landing, HOUR, "omniture", [{ name, bytes: whole }]);
    const [mended] = await coordinate(pipeline, { from: HOUR, to: HOUR, clock });
    assert.deepEqual([mended!.state, mended!.hits, mended!.sales], ["succeeded", 1, 1]);
    assert.equal((await assertTies(pipeline)).mapped, 1);
  });
});

Deno.test("The same file twice counts once, and equal rows in one file all count", async () => {
  await withPipeline(async (pipeline) => {
    const line: [string, string, number, number, string] = ["1", "2010-12-01 08:15:00", 1, 2, "1"];
    deliver(pipeline.landing, HOUR, "omniture", []);
    deliver(pipeline.landing, HOUR, "sales", [salesFile([line, line])]);
    await runHour(pipeline, HOUR);
    const before = await allTables(pipeline);
    deliver(pipeline.landing, HOUR, "sales", [
      salesFile([line, line]),
      salesFile([line, line], "again.csv"),
    ]);
    const clock = simulatedClock(Date.parse("2010-12-01T09:00:00Z"));
    const [status] = await coordinate(pipeline, { from: HOUR, to: HOUR, clock });
    assert.deepEqual([status!.sales, status!.attempts], [2, 2]);
    assert.deepEqual(await allTables(pipeline), before);
  });
});

Deno.test("A file delivered again with other content takes the place of the old one", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, HOUR, [
      { ts: "2010-12-01 08:10:00", userid: "1" },
      { ts: "2010-12-01 08:20:00", userid: "1" },
    ], [["1", "2010-12-01 08:15:00", 1, 2, "1"]]);
    await runHour(pipeline, HOUR);
    deliver(pipeline.landing, HOUR, "omniture", [
      hitFile([{ ts: "2010-12-01 08:12:00", userid: "2" }]),
    ]);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.hits], ["succeeded", 1]);
    assert.deepEqual(await ask(pipeline, "SELECT userid, hits FROM warehouse.sessions"), [
      { userid: "2", hits: 1 },
    ]);
    const { mapped, unmapped } = await assertTies(pipeline);
    assert.deepEqual([mapped, unmapped], [0, 1]);
  });
});
