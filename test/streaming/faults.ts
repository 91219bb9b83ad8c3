/**
 * Breaks things at random moments while a small shop streams, then compares everything with what was
 * staged: `deno run -A test/streaming/faults.ts [--kills 100] [--seed N]`. The streaming query is
 * killed so many times; in between the broker, the store and the producer are killed, lines are cut
 * and the store throttles. The seed decides what happens after how many micro-batches.
 */
import { parseArgs } from "node:util";
import { ClickstreamError, runCommand, waitUntil } from "clickstream/config";
import { checkConsistency, isConsistent, startStream } from "clickstream/streaming";
import { type LiveShop, openLiveShop } from "./live_shop.ts";
import { assertEqualsCleanRun, endWhenSent } from "./shop.ts";

const OTHERS = ["broker", "store", "producer", "hub line", "store line", "throttle"] as const;
type Fault = "stream" | typeof OTHERS[number];

/** Seconds between two faults, about, by which the producer is paced. */
const PACE = 4;
const FEBRUARY_SECONDS = 28 * 86_400;
/** A recount beside the running query follows every so many faults. */
const RECOUNT = 5;

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { kills: { type: "string", default: "100" }, seed: { type: "string" } },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
  const plan = planFaults(Number(values.kills), seed);
  console.log(`Seed ${seed}: ${plan.length} faults.`);
  const live = await openLiveShop(2000 + 400 * plan.length);
  try {
    await breakAll(live, plan);
    await finish(live);
  } catch (error) {
    console.error(
      `Seed ${seed} failed: deno run -A test/streaming/faults.ts --kills ${values.kills} --seed ${seed}`,
    );
    throw error;
  } finally {
    await live.close();
  }
  console.log(
    `After ${plan.length} faults (${
      summary(plan)
    }) counts tie, nothing is missing or doubled, and gold and the online store are what silver gives. Seed ${seed}.`,
  );
}

interface Step {
  fault: Fault;
  /** Micro-batches before it happens. */
  batches: number;
}

/** So many kills of the query, and half as many other faults, each at least once, in random order. */
function planFaults(kills: number, seed: number): Step[] {
  const random = randomBy(seed);
  const others = Math.max(OTHERS.length, Math.floor(kills / 2));
  const faults: Fault[] = [
    ...Array.from({ length: kills }, () => "stream" as const),
    ...Array.from({ length: others }, (_, i) => OTHERS[i % OTHERS.length]!),
  ];
  for (let i = faults.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [faults[i], faults[j]] = [faults[j]!, faults[i]!];
  }
  return faults.map((fault) => ({ fault, batches: 1 + Math.floor(random() * 8) }));
}

async function breakAll(live: LiveShop, plan: readonly Step[]): Promise<void> {
  const { config, connectionString, endpoint, key } = live.shop;
  const speed = FEBRUARY_SECONDS / (PACE * plan.length);
  const stream = live.actor("stream_process.ts", config.home, connectionString, endpoint, key);
  const producer = live.actor("paced_replay.ts", config.home, connectionString, String(speed));
  await Promise.all([producer.start(), stream.start()]);
  const started = performance.now();
  for (const [i, { fault, batches }] of plan.entries()) {
    const wanted = stream.printed + batches;
    await waitUntil(() => stream.printed >= wanted || producer.exit === 0 || stream.exit !== null, {
      timeoutMs: 300_000,
      intervalMs: 1,
      what: `${batches} micro-batches`,
    });
    if (stream.exit !== null) throw new ClickstreamError("The query ended by itself.");
    if (producer.exit !== null && producer.exit !== 0) {
      throw new ClickstreamError("The replay ended by itself.");
    }
    await commit(live, { stream, producer }, fault);
    if (i % RECOUNT === RECOUNT - 1) await recount(live);
    const left = (performance.now() - started) / (i + 1) * (plan.length - i - 1);
    console.log(
      `[${i + 1}/${plan.length}] ${fault} after ${batches} micro-batches; ${
        Math.ceil(left / 1000)
      } s left`,
    );
  }
  await waitUntil(() => producer.exit !== null, { timeoutMs: 600_000, what: "the replay to end" });
  if (producer.exit !== 0) throw new ClickstreamError("The replay ended by itself.");
  await stream.kill();
}

async function commit(
  live: LiveShop,
  { stream, producer }: Record<"stream" | "producer", ReturnType<LiveShop["actor"]>>,
  fault: Fault,
): Promise<void> {
  if (fault === "hub line") return live.hubLine.cut();
  if (fault === "store line") return live.storeLine.cut();
  if (fault === "throttle") return live.store.signal("SIGUSR1");
  const actor = { stream, producer, broker: live.broker, store: live.store }[fault];
  await actor.kill();
  await actor.start();
}

/** Compares everything beside the running query. */
async function recount({ shop }: LiveShop): Promise<void> {
  const results = await checkConsistency(shop);
  if (isConsistent(results)) return;
  console.error(results.filter((r) => r.differing + r.missing + r.extra > 0));
  throw new ClickstreamError("Beside the running query, a recount found differences.");
}

async function finish({ shop }: LiveShop): Promise<void> {
  await endWhenSent(shop, await startStream({ ...shop, commitMillis: 50, goldMillis: 200 }));
  await assertEqualsCleanRun(shop);
}

function summary(plan: readonly Step[]): string {
  const counts = Map.groupBy(plan, (step) => step.fault);
  return [...counts].map(([fault, steps]) => `${fault} ${steps.length}`).join(", ");
}

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
