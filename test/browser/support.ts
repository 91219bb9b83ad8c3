import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Browser, chromium, type Page } from "playwright-core";
import { homePaths, loadConfig } from "clickstream/config";
import { closeLakehouse, openLakehouse } from "clickstream/lakehouse";
import { closeOnlineStore, lookUpFeatures, openOnlineStore } from "clickstream/online";
import { checkConsistency, startStream } from "clickstream/streaming";
import { startCosmos } from "../../lib/emulators/cosmos/mod.ts";
import { startEventHubs } from "../../lib/emulators/event_hubs/mod.ts";
import { publishItemToItem } from "../../lib/serving/actions/itemToItem.ts";
import { openActions } from "../../lib/serving/actions/source.ts";
import { connectServing } from "../../lib/serving/client.ts";
import { readCatalogue } from "../../lib/serving/shop/catalogue.ts";
import { startShopServer } from "../../lib/serving/shop/server.ts";
import { openShop } from "../../lib/serving/shop/shop.ts";
import { streamTimeOf } from "../../lib/serving/streamTime.ts";
import { TOKEN, withServer } from "../serving/support.ts";
import { publishShop } from "../streaming/shop.ts";
import { withHome } from "../support.ts";

/** Chromium for the tests: CHROMIUM_PATH, or Debian's; null when there is none. */
export const CHROMIUM = [process.env["CHROMIUM_PATH"] ?? "", "/usr/bin/chromium"]
  .find((path) => path !== "" && existsSync(path)) ?? null;

/** Starts {@link CHROMIUM}. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM!,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    timeout: 120_000,
  });
}

/** An open shop over a pipeline of its own, and a browser. */
export interface OpenShop {
  url: string;
  browser: Browser;
  /** Stops the broker and starts it again on its port, with its events. */
  restartBroker(): Promise<void>;
}

/** Runs `body` with a shop whose pipeline, scoring server and broker run in this process. */
export async function withOpenShop(body: (shop: OpenShop) => Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    const hub = "electronics-events";
    const directory = join(home, "hubs");
    let hubs = await startEventHubs({ directory, hubs: [{ name: hub, partitions: 4 }] });
    const connectionString = hubs.connectionString(hub);
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
    const { endpoint, writeKey: key } = cosmos;
    const store = openOnlineStore({ endpoint, key, database: "clickstream" });
    const restartBroker = async () => {
      const { port } = hubs;
      await hubs.close();
      hubs = await startEventHubs({ directory, port });
    };
    try {
      await publishShop({ config, lake, store }, 4000);
      const query = await startStream({ config, lake, store, connectionString });
      const streamTime = streamTimeOf(config);
      await publishItemToItem(lake);
      const actions = await openActions(config, lake);
      const lookUp = (keys: Parameters<typeof lookUpFeatures>[1]) => lookUpFeatures(store, keys);
      await withServer({ lookUp, streamTime, actions }, async ({ url }) => {
        const serving = connectServing({ url, token: TOKEN });
        const catalogue = await readCatalogue(lake);
        const shop = openShop({ catalogue, connectionString, store, serving, streamTime });
        const server = startShopServer({
          shop,
          status: () => query.status(),
          checkConsistency: () => checkConsistency({ config, lake, store }),
        });
        const browser = await launchBrowser();
        try {
          await body({ url: server.url, browser, restartBroker });
        } finally {
          await browser.close();
          await server.close();
          await shop.close();
          await query.stop();
        }
      });
    } finally {
      closeOnlineStore(store);
      await closeLakehouse(lake);
      await cosmos.close();
      await hubs.close();
    }
  });
}

/** A visit of its own: nothing is shared with other pages. */
export async function visit(
  { browser, url }: OpenShop,
  look: { dark?: boolean; phone?: boolean } = {},
): Promise<Page> {
  const context = await browser.newContext({
    colorScheme: look.dark ? "dark" : "light",
    viewport: look.phone ? { width: 390, height: 844 } : { width: 1280, height: 900 },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(url);
  await page.locator("#connection.live").waitFor();
  return page;
}

/** Clicks on a product of the shelf, by its place. */
export async function click(page: Page, place: number, type: "view" | "cart"): Promise<string> {
  const product = page.locator("[data-product]").nth(place);
  await product.locator(`[data-click=${type}]`).click();
  return (await product.getAttribute("data-product"))!;
}

/** Waits until so many events are counted by a score. */
export async function scored(page: Page, events: number): Promise<void> {
  await page.locator(".latency", { hasText: / ms$/ }).nth(events - 1).waitFor();
}

/** The score that the page shows for a product. */
export async function scoreOf(page: Page, product: string): Promise<string> {
  return await page.locator(`[data-scored="${product}"] .score`).innerText();
}
