import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { deliver, ONLINE_RETAIL, runHour } from "clickstream/marketing";
import { ask, withPipeline } from "./support.ts";

Deno.test("The whole of Online Retail ties to its published totals", async () => {
  await withPipeline(async (pipeline) => {
    const hour = "20111209_23";
    const bytes = readFileSync(ONLINE_RETAIL);
    deliver(pipeline.landing, hour, "omniture", []);
    deliver(pipeline.landing, hour, "sales", [{ name: "online-retail.csv.gz", bytes }]);
    const status = await runHour(pipeline, hour);
    assert.deepEqual([status.state, status.reason, status.rejected], ["succeeded", "", 0]);
    const [totals] = await ask(
      pipeline,
      `SELECT count(*) AS rows, count(DISTINCT "InvoiceNo") AS invoices,
         count(DISTINCT "CustomerID") AS customers,
         round(sum("Quantity" * "UnitPrice"), 2) AS amount,
         (SELECT count(*) FROM warehouse.unmapped_sales) AS unmapped
       FROM processed.sales`,
    );
    assert.deepEqual(totals, {
      rows: 541_909,
      invoices: 25_900,
      customers: 4_372,
      amount: 9_747_747.93,
      unmapped: 541_909,
    });
  });
});
