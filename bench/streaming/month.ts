import { pause } from "clickstream/config";
import { startReplay } from "clickstream/streaming";
import { eventSets, inferenceTable } from "clickstream/metrics";
import { committedPositions } from "../../lib/streaming/event_tables.ts";
import { type Row, seconds, whole } from "./report.ts";
import type { BenchShop } from "./shop.ts";
import { StreamHandle } from "./stream_handle.ts";

/**
 * Everything after the cutoff, sent at `max` first, then taken from the hub to bronze, silver,
 * state and gold; how long until the tables hold it, and until the online store shows it.
 */
export async function measureMonth(shop: BenchShop): Promise<Row[]> {
  const { config, lake, services, live } = shop;
  const started = performance.now();
  const replay = await startReplay({
    config,
    lake,
    connectionString: services.eventHubs.connectionString,
    speed: "max",
  });
  const { sent, error } = await replay.finished;
  if (error !== null) throw error;
  const sending = (performance.now() - started) / 1000;
  const times = await catchUp(shop, sent);
  const rate = live / times.tables;
  return [
    row(`replay of ${whole(sent)} events at max`, `${whole(sent / sending)} events/s`, "-"),
    row("restart: state restored from gold", seconds(times.restored), "-"),
    row("hub to state", `${seconds(times.state)}, ${whole(live / times.state)} events/s`, "-"),
    row(
      "hub to bronze, silver, state and gold",
      `${seconds(times.tables)}, ${whole(rate)} events/s`,
      live > 500_000 ? "15,000 events/s" : "20 s",
    ),
    row("online store shows all of it", seconds(times.online), live > 500_000 ? "-" : "45 s"),
    row("changes online behind at its worst", whole(times.worstLag), "-"),
    row("documents written", whole(times.documents), "-"),
    row("memory of the query", `${whole(times.megabytes)} MiB`, "-"),
  ];
}

async function catchUp(shop: BenchShop, sent: number) {
  const launched = performance.now();
  const stream = new StreamHandle(shop.config.home);
  await stream.until("its start", () => true);
  const began = performance.now();
  const since = () => (performance.now() - began) / 1000;
  let worstLag = 0;
  const watch = (status: { onlinePending: number }) =>
    worstLag = Math.max(worstLag, status.onlinePending);
  await stream.until("the state to hold all", (s) => (watch(s), s.messages >= sent));
  const state = since();
  let tables = 0;
  let online = 0;
  while (tables === 0 || online === 0) {
    const status = await stream.until("the next status", () => true);
    watch(status);
    if (online === 0 && status.onlinePending === 0) online = since();
    if (tables === 0 && status.committed >= sent && await goldHolds(shop, sent)) tables = since();
    await pause(50);
  }
  const { megabytes } = stream;
  const { published } = await stream.stop();
  const restored = (began - launched) / 1000;
  return { restored, state, tables, online, worstLag, documents: published, megabytes };
}

async function goldHolds({ lake }: BenchShop, sent: number): Promise<boolean> {
  for (const set of eventSets) {
    const ends = await committedPositions(lake, inferenceTable(set));
    if ([...ends.values()].reduce((sum, end) => sum + end + 1, 0) < sent) return false;
  }
  return true;
}

function row(what: string, measured: string, target: string): Row {
  return { what, measured, target };
}
