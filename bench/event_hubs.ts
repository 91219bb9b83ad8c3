/**
 * Speed of the local Event Hubs with the real SDK over loopback: server and client in processes of
 * their own, 200-byte bodies.
 *
 *     deno run -A bench/event_hubs.ts [--events 1000000] [--home DIR]
 */
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadConfig, pause, runCommand } from "clickstream/config";
import { DEFAULT_HUB, ensureServices, type Services, stopServices } from "clickstream/emulators";

const BODY_BYTES = 200;
const PARTITIONS = ["0", "1", "2", "3"];

await runCommand(async (args) => {
  const { values } = parseArgs({ args, options: { events: { type: "string" } } });
  const events = Number(values.events ?? 300_000);
  const home = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const config = loadConfig({ CLICKSTREAM_HOME: home });
  try {
    const services = await ensureServices(config);
    console.log(
      `| what | events | seconds | events/s | server CPU (µs/event) | server memory (MB) |`,
    );
    console.log(`|---|---|---|---|---|---|`);
    await row("send, 4 partitions", events, services, send);
    await row("receive, 4 partitions, batches of 1000", events, services, receive);
    const { p50, p99 } = await latency(services);
    console.log(`\nsend to receive at 2,000 events/s: p50 ${p50} ms, p99 ${p99} ms`);
  } finally {
    await stopServices(config);
    rmSync(home, { recursive: true, force: true });
  }
});

async function row(
  what: string,
  events: number,
  services: Services,
  run: (services: Services, events: number) => Promise<number>,
): Promise<void> {
  const before = cpuSeconds(services.pid);
  const seconds = await run(services, events);
  const cpu = (cpuSeconds(services.pid) - before) / events * 1e6;
  const rate = Math.round(events / seconds).toLocaleString("en-GB");
  const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${services.pid}/status`, "utf8"))?.[1];
  const cells = [
    what,
    events.toLocaleString("en-GB"),
    seconds.toFixed(2),
    rate,
    cpu.toFixed(1),
    Math.round(Number(memory) / 1024),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

/** Processor time of a process, in its own code and in the system's for it. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** One producer sends batches as large as they may be, to the partitions in turn. */
async function send(services: Services, events: number): Promise<number> {
  const producer = new EventHubProducerClient(services.eventHubs.connectionString);
  const body = "x".repeat(BODY_BYTES - 2); // as JSON it has two quotes more
  const started = performance.now();
  let sent = 0;
  const worker = async (partitionId: string) => {
    while (sent < events) {
      const batch = await producer.createBatch({ partitionId });
      while (sent < events && batch.tryAdd({ body })) sent++;
      await producer.sendBatch(batch);
    }
  };
  await Promise.all(PARTITIONS.map(worker));
  const seconds = (performance.now() - started) / 1000;
  await producer.close();
  return seconds;
}

async function receive(services: Services, events: number): Promise<number> {
  const consumer = new EventHubConsumerClient("$Default", services.eventHubs.connectionString);
  const started = performance.now();
  let received = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const handlers = {
    processEvents: (batch: unknown[]) => {
      received += batch.length;
      if (received >= events) resolve();
      return Promise.resolve();
    },
    processError: (error: Error) => Promise.resolve(reject(error)),
  };
  const options = { startPosition: { offset: "-1" }, maxBatchSize: 1000 };
  const subscriptions = PARTITIONS.map((id) => consumer.subscribe(id, handlers, options));
  await promise;
  const seconds = (performance.now() - started) / 1000;
  await Promise.all(subscriptions.map((one) => one.close()));
  await consumer.close();
  return seconds;
}

/**
 * 20 events every 10 ms for five seconds, after one second to warm up; each carries the moment it
 * was sent. The SDK itself waits 20 ms for more events after the first of a batch.
 */
async function latency(services: Services): Promise<{ p50: string; p99: string }> {
  const producer = new EventHubProducerClient(services.eventHubs.connectionString);
  const consumer = new EventHubConsumerClient("$Default", services.eventHubs.connectionString);
  const delays: number[] = [];
  const handlers = {
    processEvents: (batch: { body: { at: number } }[]) => {
      const now = performance.now();
      for (const { body } of batch) delays.push(now - body.at);
      return Promise.resolve();
    },
    processError: (error: Error) => Promise.reject(error),
  };
  const options = { startPosition: { offset: "@latest" }, maxBatchSize: 100 };
  const subscriptions = PARTITIONS.map((id) => consumer.subscribe(id, handlers, options));
  await pause(1000);
  const padding = "x".repeat(BODY_BYTES - 40);
  const sends: Promise<void>[] = [];
  for (let i = 0; i < 600; i++) {
    if (i === 100) delays.length = 0;
    const batch = Array.from({ length: 20 }, () => ({ body: { at: performance.now(), padding } }));
    sends.push(producer.sendBatch(batch, { partitionId: PARTITIONS[i % PARTITIONS.length]! }));
    await pause(10);
  }
  await Promise.all(sends);
  await pause(500);
  await Promise.all(subscriptions.map((one) => one.close()));
  await Promise.all([consumer.close(), producer.close()]);
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor(delays.length * share)]!.toFixed(1);
  if (delays.length < 9000) console.log(`only ${delays.length} events came in ${DEFAULT_HUB}`);
  return { p50: at(0.5), p99: at(0.99) };
}
