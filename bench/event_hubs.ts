/**
 * Speed of the local Event Hubs with the real SDK over loopback: server and client in processes of
 * their own, 200-byte bodies.
 *
 *     deno run -A bench/event_hubs.ts [--events 1000000]
 */
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import rhea, { type EventContext, type Message } from "rhea";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadConfig, pause, runCommand } from "clickstream/config";
import { DEFAULT_HUB, ensureServices, type Services, stopServices } from "clickstream/emulators";
import { connectRaw } from "../test/emulators/event_hubs/raw_client.ts";

const BODY_BYTES = 200;
const PARTITIONS = ["0", "1", "2", "3"];
/** A receiver with this filter begins with what is sent after it. */
const LATEST = {
  "apache.org:selector-filter:string": rhea.types.wrap_described(
    "amqp.annotation.x-opt-offset > '@latest'",
    0x468c00000004,
  ),
};

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
    console.log(`\n| from send to receive, 2,000 events/s | events | p50 (ms) | p99 (ms) |`);
    console.log(`|---|---|---|---|`);
    await latency("the SDK, which waits 20 ms", services, receiveBySdk);
    await latency("rhea, which does not", services, receiveRaw);
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

/** Receives from the end on, and hands over the body of each event as it comes. */
type Receive = (services: Services, take: (body: { at: number }) => void) => Promise<Stop>;
type Stop = () => Promise<unknown>;

/** The SDK's consumer waits 20 ms after the first event of each batch, however many come. */
function receiveBySdk(services: Services, take: (body: { at: number }) => void): Promise<Stop> {
  const consumer = new EventHubConsumerClient("$Default", services.eventHubs.connectionString);
  const handlers = {
    processEvents: (batch: { body: { at: number } }[]) => {
      for (const { body } of batch) take(body);
      return Promise.resolve();
    },
    processError: (error: Error) => Promise.reject(error),
  };
  const options = { startPosition: { offset: "@latest" }, maxBatchSize: 100 };
  const subscriptions = PARTITIONS.map((id) => consumer.subscribe(id, handlers, options));
  return Promise.resolve(async () => {
    await Promise.all(subscriptions.map((one) => one.close()));
    await consumer.close();
  });
}

async function receiveRaw(services: Services, take: (body: { at: number }) => void): Promise<Stop> {
  const { connectionString } = services.eventHubs;
  const [, name, key] = /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(
    connectionString,
  )!;
  const keys = [{ name: name!, key: key!, rights: ["Manage" as const] }];
  const server = { port: services.ports.eventHubs, keys };
  const client = await connectRaw(server, Date.now() + 3_600_000, DEFAULT_HUB);
  for (const id of PARTITIONS) {
    const link = await client.receive(
      `${DEFAULT_HUB}/ConsumerGroups/$Default/Partitions/${id}`,
      0,
      {
        source: {
          address: `${DEFAULT_HUB}/ConsumerGroups/$Default/Partitions/${id}`,
          filter: LATEST,
        },
      },
    );
    link.receiver.on("message", ({ message }: EventContext) => take(bodyOf(message!)));
    link.receiver.add_credit(100_000);
  }
  return () => client.close();
}

/**
 * 20 events every 10 ms for five seconds, after one second to warm up; each carries the moment it
 * was sent. Sender and receiver are this process.
 */
async function latency(what: string, services: Services, receive: Receive): Promise<void> {
  const producer = new EventHubProducerClient(services.eventHubs.connectionString);
  const delays: number[] = [];
  const stop = await receive(services, ({ at }) => delays.push(performance.now() - at));
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
  await stop();
  await producer.close();
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor(delays.length * share)]!.toFixed(1);
  const events = delays.length.toLocaleString("en-GB");
  console.log(`| ${what} | ${events} | ${at(0.5)} | ${at(0.99)} |`);
  if (delays.length < 9000) throw new Error(`Only ${events} of 10,000 events came.`);
}

function bodyOf({ body }: Message): { at: number } {
  return JSON.parse(new TextDecoder().decode((body as { content: Uint8Array }).content));
}
