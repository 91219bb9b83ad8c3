/**
 * The live half: from the hub to tables and online store, how fresh features are, what the state
 * holds, what a micro-batch costs at ten times the table size, and seeding. Services and query in
 * processes of their own, as under RUNME.
 *
 *     deno run -A bench/streaming.ts [--only state,month,fresh,size,sustained] [--events 885129]
 *
 * `sustained` is the long form of `month`, with `--live 1000000` live events; it is left out by
 * default. `--events` makes the shop of `month` and `fresh` smaller for a first look.
 */
import { parseArgs } from "node:util";
import { runCommand } from "clickstream/config";
import { measureFreshness } from "./streaming/freshness.ts";
import { measureMonth } from "./streaming/month.ts";
import { markdown, type Row, seconds, whole } from "./streaming/report.ts";
import { withBenchShop } from "./streaming/shop.ts";
import { measureState } from "./streaming/state.ts";
import { measureTableSize } from "./streaming/table_size.ts";

/** Events of the synthetic shop at its full size; those from February 2021 on are live. */
const FULL = 885_129;
const FEBRUARY = "2021-02-01T00:00:00Z";

await runCommand(async (args) => {
  const { values } = parseArgs({
    args,
    options: { only: { type: "string" }, live: { type: "string" }, events: { type: "string" } },
  });
  const parts = (values.only ?? "state,month,fresh,size").split(",");
  const rows: Row[] = [];
  const add = (more: Row[]) => {
    rows.push(...more);
    console.log(markdown(more) + "\n");
  };
  if (parts.includes("state")) add(await measureState());
  if (parts.includes("month") || parts.includes("fresh")) {
    await withBenchShop(Number(values.events ?? FULL), FEBRUARY, async (shop) => {
      const { documents, seconds: took } = shop.seeded;
      const measured = seconds(took);
      add([{ what: `seeding ${whole(documents)} documents`, measured, target: "120 s" }]);
      if (parts.includes("month")) add(await measureMonth(shop));
      if (parts.includes("fresh")) add(await measureFreshness(shop));
    });
  }
  if (parts.includes("size")) add(await measureTableSize());
  if (parts.includes("sustained")) {
    // About 30 of 31 events of the shop lie after this moment.
    const events = Math.round(Number(values.live ?? 1_000_000) * 1.1);
    await withBenchShop(events, "2020-10-15T00:00:00Z", async (shop) => {
      add(await measureMonth(shop));
    });
  }
  console.log(markdown(rows));
});
