import assert from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import { table as arqueroTable } from "arquero";
import pl from "nodejs-polars";
import { tableBundle } from "../../lib/display/table.ts";

const text = (...given: Parameters<typeof tableBundle>) => tableBundle(...given)["text/plain"];

Deno.test("numbers stand right with separators, text left, missing values as a dash", () => {
  assert.equal(
    text([
      { event_type: "view", events: 793748n, share: 0.89685 },
      { event_type: "cart", events: 54035n, share: null },
    ]),
    [
      "event_type   events   share",
      "──────────  ───────  ──────",
      "view        793,748  0.8969",
      "cart         54,035       –",
    ].join("\n"),
  );
});

Deno.test("neighbouring ids beyond 2^53 stay apart", () => {
  const shown = text([
    { user_id: 1515915625353900094n },
    { user_id: 1515915625353900095n },
    { user_id: 1515915625353900096n },
  ]);
  assert.match(shown, /353900094\n1515915625353900095\n1515915625353900096$/);
});

Deno.test("formats and units are given by column", () => {
  assert.equal(
    text([{ rate: 0.0471, lag: 0.0042, size: 1536, price: 5 }], {
      formats: { rate: "percent", lag: "duration", size: "bytes", price: "money" },
      units: { price: "USD" },
    }).split("\n").at(-1),
    "4.7 %  4.2 ms  1.5 KiB         5.00",
  );
});

Deno.test("only the first rows are shown, and how many there are is said", () => {
  const rows = Array.from({ length: 1234 }, (_, i) => ({ i }));
  const lines = text(rows, { limit: 2 }).split("\n");
  assert.deepEqual(lines.slice(-3), ["0", "1", "first 2 of 1,234 rows"]);
});

Deno.test("an empty table says so", () => {
  assert.match(text([]), /no rows/);
});

Deno.test("a polars frame keeps the digits of decimals", () => {
  const price = pl.Series("price", ["19.90", "1234567890123.45", null]).cast(pl.Decimal(18, 2));
  const frame = pl.DataFrame([price, pl.Series("name", ["a", "b", "c"])]);
  const shown = text(frame);
  assert.match(shown, /1,?234,?567,?890,?123\.45/);
  assert.match(shown, /19\.9/);
  assert.match(text(frame.select("price")), /–/);
});

Deno.test("a polars frame keeps int64 exact and shows times in UTC", () => {
  const frame = pl.DataFrame({
    user_id: pl.Series("user_id", ["1515915625353900095", null]).cast(pl.Int64),
    event_time: pl.Series("event_time", [new Date("2021-02-01T00:00:00.250Z"), null]),
  });
  assert.match(text(frame), /1515915625353900095 {2}2021-02-01 00:00:00\.250/);
});

Deno.test("a polars frame's decimals are shown to the last digit", () => {
  const frame = pl.DataFrame({ name: ["a", "b"], amount: pl.Series("amount", [3702.1, null]) })
    .withColumn(pl.col("amount").cast(pl.Decimal(18, 2)));
  assert.match(text(frame), /a +3702\.10\nb +–$/);
});

Deno.test("DuckDB's own values read as DuckDB writes them, lists and structs as JSON", async () => {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`select
    timestamp '2021-02-01 10:00:00.25' as at, 12.50::decimal(18, 2) as amount,
    1515915625353900095 as user_id, [1::bigint, 2] as list, 1500::bigint as rows`);
  const [row] = reader.getRowObjects();
  connection.closeSync();
  instance.closeSync();
  const shown = text([{ ...row, plain: { n: 1n } }]).split("\n").at(-1)!;
  assert.match(shown, /^2021-02-01 10:00:00\.25 {3}12\.50 {2}1515915625353900095 .* 1,500 /);
  assert.match(shown, /\{"n":"1"\}$/);
});

Deno.test("an arquero table is taken as it is", () => {
  assert.match(text(arqueroTable({ kind: ["view"], n: [3] })), /kind {2}n\n.*\nview {2}3/);
});

Deno.test("HTML in values is shown, not run", () => {
  const html = tableBundle([{ url: "<script>alert(1)</script>" }])["text/html"];
  assert.match(String(html), /&lt;script&gt;/);
});

Deno.test("something that is no table is refused in words", () => {
  assert.throws(
    () => tableBundle(7 as unknown as []),
    /polars frame, an arquero table or an array of objects, not from number/,
  );
});
