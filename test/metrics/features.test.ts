import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { closeLakehouse, openLakehouse, records } from "clickstream/lakehouse";
import { metricSets, timeColumn, trainingTable } from "clickstream/metrics";
import { withHome } from "../support.ts";
import { DAY, keyOf, naiveValues, type TestEvent } from "./reference.ts";

const COMMAND = fileURLToPath(
  new URL("../../lib/metrics/commands/features.ts", import.meta.url),
);
const START = Date.UTC(2021, 0, 30, 22) * 1000;

/** Two users, three products, ties, a null session, an unknown type, three midnights. */
const events = Array.from({ length: 60 }, (_, i): TestEvent => ({
  event_time: START + (i * i % 53) * 3_600_000_000,
  event_type: ["view", "view", "cart", "purchase", "remove_from_cart"][i % 5]!,
  product_id: 9_007_199_254_740_992n + BigInt(i % 3),
  user_id: 1_515_915_625_353_900_095n + BigInt(i % 2),
  user_session: [null, "a", "b", "é"][i % 4]!,
  price: i % 7 === 0 ? null : i + 0.25,
}));

function csvText(): string {
  const lines = events.map((event) => {
    const time = new Date(event.event_time / 1000).toISOString().slice(0, 19).replace("T", " ");
    const { event_type, product_id, price, user_id, user_session } = event;
    return [`${time} UTC`, event_type, product_id, 1, "", "", price, user_id, user_session]
      .join(",");
  });
  const header = "event_time,event_type,product_id,category_id,category_code,brand,price," +
    "user_id,user_session";
  return [header, ...lines].join("\n") + "\n";
}

async function features(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", COMMAND, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("deno task features turns a CSV into the five tables, with little memory, too", async () => {
  await withHome(async (home) => {
    const [file, out] = [join(home, "events.csv"), join(home, "out")];
    await Deno.writeTextFile(file, csvText());
    const { code, text } = await features("--events", file, "--out", out, "--memory", "100MB");
    assert.equal(code, 0, text);
    assert.match(text, /60 events \(0 rejected\)/);
    const lake = await openLakehouse(out, { threads: 1 });
    try {
      for (const set of metricSets) {
        const moments = new Set(events.flatMap((event) => {
          const key = keyOf(set, event);
          const day = Math.floor(event.event_time / DAY) * DAY + DAY;
          return key === null ? [] : [`${key}@${set.grain === "event" ? event.event_time : day}`];
        }));
        const rows = await records(lake, `select * from ${trainingTable(set)}`);
        assert.equal(rows.length, moments.size);
        for (const row of rows) {
          const key = set.keys.map((name) => String(row[name])).join("|");
          const moment = (row[timeColumn(set)] as Date).getTime() * 1000;
          assert.ok(moments.has(`${key}@${moment}`));
          const { events: count, carts_to_views } = naiveValues(set, events, key, moment)!;
          assert.deepEqual([Number(row.events), row.carts_to_views], [count, carts_to_views]);
        }
      }
    } finally {
      await closeLakehouse(lake);
    }
  });
});

Deno.test("deno task features says what is wrong with its options", async () => {
  for (
    const [args, said] of [
      [["--out", "x"], /--events and --out are needed/],
      [["--events", "x", "--out", "y", "--memory", "much"], /--memory much is no size/],
    ] as const
  ) {
    const { code, text } = await features(...args);
    assert.notEqual(code, 0);
    assert.match(text, said);
  }
});
