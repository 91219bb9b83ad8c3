import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { assertTies, deliverFiles, hoursBetween, runHours } from "clickstream/marketing";
import { ask, hitLine, SALES_HEADER, withPipeline } from "./support.ts";

Deno.test("Files of one's own are aligned: hits shifted by whole days, customers mapped onto web users", async () => {
  await withPipeline(async (pipeline, home) => {
    const webLogs = join(home, "logs");
    mkdirSync(webLogs);
    const lines = [
      hitLine({ ts: "2012-03-15 08:20:00", userid: "{A}" }),
      hitLine({ ts: "2012-03-15 09:10:00", userid: "{B}" }),
      "no hit",
    ];
    writeFileSync(join(webLogs, "Omniture.0.tsv.gz"), gzipSync(`${lines.join("\n")}\n`));
    const sales = join(home, "sales.csv");
    const row = (invoice: number, time: string, customer: number) =>
      `${invoice},A,"RED, LARGE",1,2010-12-01 ${time}:00,2.5,${customer},France`;
    writeFileSync(sales, [SALES_HEADER, row(1, "08:25", 7), row(2, "09:15", 8), ""].join("\n"));
    const delivered = await deliverFiles(pipeline, { webLogs, sales, align: true });
    assert.deepEqual(delivered, {
      from: "20101201_08",
      to: "20101201_09",
      hits: 3,
      sales: 2,
      shiftedDays: -470,
      mappedCustomers: 2,
    });
    await runHours(pipeline, hoursBetween(delivered.from, delivered.to));
    const ties = await assertTies(pipeline);
    assert.deepEqual([ties.hits, ties.sales, ties.rejected], [2, 2, 1]);
    const users = await ask(
      pipeline,
      `SELECT "CustomerID" AS customer, userid FROM processed.sales ORDER BY 1`,
    );
    assert.deepEqual(users.map(({ customer }) => customer), [7, 8]);
    assert.deepEqual(users.map(({ userid }) => userid).sort(), ["{A}", "{B}"]);
    const descriptions = await ask(pipeline, `SELECT DISTINCT "Description" AS d FROM raw.sales`);
    assert.deepEqual(descriptions, [{ d: "RED, LARGE" }]);
  });
});
