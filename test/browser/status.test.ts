import assert from "node:assert/strict";
import { CosmosClient } from "@azure/cosmos";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Browser, Page } from "playwright-core";
import { waitUntil } from "clickstream/config";
import { type Cosmos, startCosmos } from "../../lib/emulators/cosmos/mod.ts";
import { type EventHubs, startEventHubs } from "../../lib/emulators/event_hubs/mod.ts";
import { startStatusServer } from "../../lib/emulators/status_server.ts";
import { withHome } from "../support.ts";
import { seriousProblems } from "./axe.ts";
import { CHROMIUM, launchBrowser } from "./support.ts";

// The SDKs and the browser keep timers and sockets of their own.
const options = { ignore: CHROMIUM === null, sanitizeOps: false, sanitizeResources: false };

/** Set to a folder to keep pictures of the page. */
const PICTURES = process.env["STATUS_PICTURES"] ?? "";

Deno.test(
  "the status page tells hubs, groups and containers, for everybody, and renews itself",
  options,
  async () => {
    await withStatus(async ({ url, hubs, browser }) => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(url);
      const text = await page.locator("main").innerText();
      assert.match(text, /clicks/);
      assert.match(text, /1,200/, "events kept of a partition");
      assert.match(text, /epoch 7/, "the owner of a partition");
      assert.match(text, /carts <b>&amp;/, "an id is text, whatever it is made of");
      assert.equal(await page.locator("main b b").count(), 0);
      assert.deepEqual(await seriousProblems(page), []);
      await picture(page, "status_light");

      hubs.createHub({ name: "made-later", partitions: 1 });
      await page.getByText("made-later").first().waitFor();
      await page.getByLabel("renew every 3 s").uncheck();
      hubs.createHub({ name: "never-seen", partitions: 1 });
      assert.equal(await page.getByText("never-seen").count(), 0);

      const dark = { colorScheme: "dark", viewport: { width: 390, height: 800 } } as const;
      const phone = await (await browser.newContext(dark)).newPage();
      await phone.goto(url);
      assert.deepEqual(await seriousProblems(phone), []);
      const wide = await phone.evaluate("document.documentElement.scrollWidth");
      assert.ok(wide as number <= 390, `the page itself is ${wide} wide`);
      await picture(phone, "status_dark_phone");
    });
  },
);

interface Status {
  url: string;
  hubs: EventHubs;
  browser: Browser;
}

/** Runs `body` with the status page of services in use, and a browser. */
async function withStatus(body: (status: Status) => Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const hubs = await startEventHubs({
      directory: join(home, "hubs"),
      hubs: [{ name: "clicks", partitions: 2, consumerGroups: ["reports"] }],
      log: () => {},
    });
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const server = await startStatusServer({ hubs, cosmos, port: 0, adminToken: "none" });
    const browser = await launchBrowser();
    try {
      await fill(cosmos);
      await using _ = await useHub(hubs);
      await body({ url: `http://127.0.0.1:${server.port}/`, hubs, browser });
    } finally {
      await browser.close();
      await server.close();
      await cosmos.close();
      await hubs.close();
    }
  });
}

/** Sends events and leaves an owner reading. */
async function useHub(hubs: EventHubs): Promise<AsyncDisposable> {
  const producer = new EventHubProducerClient(hubs.connectionString("clicks"));
  const events = Array.from({ length: 1200 }, (_, body) => ({ body }));
  await producer.sendBatch(events, { partitionId: "1" });
  await producer.close();
  const consumer = new EventHubConsumerClient("reports", hubs.connectionString("clicks"));
  let received = 0;
  const subscription = consumer.subscribe("1", {
    processEvents: (batch) => Promise.resolve(void (received += batch.length)),
    processError: () => Promise.resolve(),
  }, { startPosition: { offset: "-1" }, maxBatchSize: 1000, ownerLevel: 7 });
  await waitUntil(() => received === 1200, { what: "the events" });
  return {
    [Symbol.asyncDispose]: async () => {
      await subscription.close();
      await consumer.close();
    },
  };
}

async function fill({ endpoint, writeKey }: Cosmos): Promise<void> {
  const client = new CosmosClient({ endpoint, key: writeKey });
  const { database } = await client.databases.createIfNotExists({ id: "shop" });
  const definition = { id: "carts <b>&amp;", partitionKey: "/id" };
  const { container } = await database.containers.createIfNotExists(definition);
  for (const id of ["1", "2", "3"]) await container.items.upsert({ id });
  client.dispose();
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === "") return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}
