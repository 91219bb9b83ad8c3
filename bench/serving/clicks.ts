import { fileURLToPath } from "node:url";
import { type Config, pause } from "clickstream/config";
import { printTimes } from "./rate.ts";

const SCRIPT = fileURLToPath(new URL("../../lib/serving/shop/main.ts", import.meta.url));
/** A shopper's time between a new score and the next click, in milliseconds. */
const LOOK_MS = 250;

/**
 * Opens `deno task shop` over a home in a process of its own, lets shoppers click in it, and prints
 * the time from each click until its new score has reached the page's event stream.
 */
export async function measureClicks(
  config: Config,
  rounds: { shoppers: number; clicks: number; target?: string }[],
): Promise<void> {
  const shop = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", SCRIPT, "--port", "0"],
    env: { CLICKSTREAM_HOME: config.home },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  try {
    const url = await urlOf(shop);
    const catalogue = await (await fetch(`${url}/api/catalogue`)).json() as Product[];
    await shopperTimes(url, catalogue, 10, 0); // warm-up
    for (const { shoppers, clicks, target } of rounds) {
      const all = Array.from(
        { length: shoppers },
        (_, i) => shopperTimes(url, catalogue, clicks, i),
      );
      const times = (await Promise.all(all)).flat();
      printTimes({
        what: `click to new score on the page, ${shoppers} shopper${shoppers > 1 ? "s" : ""}`,
        times,
        failed: shoppers * clicks - times.length,
        ...(target === undefined ? {} : { target }),
      });
    }
  } finally {
    shop.kill("SIGTERM");
    await shop.status;
  }
}

interface Product {
  product_id: string;
}

/** The address that the shop prints once it is open. */
async function urlOf(shop: Deno.ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of shop.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`The shop did not open: ${text}`);
}

/** One shopper clicks, each time once the last score is there: looks at a product, then takes it. */
async function shopperTimes(
  url: string,
  catalogue: Product[],
  clicks: number,
  first: number,
): Promise<number[]> {
  const post = (path: string, body: unknown) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }).then((response) => response.json());
  const { session } = await post("/api/shoppers", {}) as { session: string };
  const stop = new AbortController();
  const live = await fetch(`${url}/api/live?session=${session}`, { signal: stop.signal });
  const scored = scoredEvents(live.body!);
  const times: number[] = [];
  for (let i = 0; i < clicks; i++) {
    const { product_id } = catalogue[(first * 7 + (i >> 1)) % catalogue.length]!;
    await pause(LOOK_MS);
    const clicked = performance.now();
    await post("/api/events", { session, type: i % 2 === 0 ? "view" : "cart", product_id });
    while ((await scored.next()).value !== i + 1);
    times.push(performance.now() - clicked);
  }
  stop.abort();
  return times;
}

/** Numbers of the newest scored event, as the page's stream of server-sent events has them. */
async function* scoredEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<number> {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const messages = (text + chunk).split("\n\n");
    text = messages.pop()!;
    for (const message of messages) {
      if (!message.startsWith("event: shopper\n")) continue;
      const view = JSON.parse(message.slice(message.indexOf("data: ") + 6)) as {
        events: { number: number; latencyMs: number | null }[];
      };
      const newest = view.events.find(({ latencyMs }) => latencyMs !== null);
      if (newest !== undefined) yield newest.number;
    }
  }
}
