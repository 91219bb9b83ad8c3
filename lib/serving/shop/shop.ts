import { Buffer } from "node:buffer";
import { pause } from "clickstream/config";
import { formatTime, messageOf } from "clickstream/events";
import { type LookedUp, lookUpFeatures, type OnlineStore } from "clickstream/online";
import { openProducer } from "clickstream/streaming";
import type { ScoreAnswer, ServingClient } from "../client.ts";
import { ApiError } from "../errors.ts";
import type { CatalogueProduct } from "./catalogue.ts";
import {
  type ClickType,
  type SentEvent,
  type Shopper,
  Shoppers,
  type ShopperView,
  touch,
} from "./shoppers.ts";

/** What a shop works with. */
export interface ShopOptions {
  /** Every product. */
  catalogue: CatalogueProduct[];
  /** Connection string with EntityPath. */
  connectionString: string;
  /** The online store; reading is enough. */
  store: OnlineStore;
  serving: ServingClient;
  /** Newest event time of the stream, microseconds; null when there is none. */
  streamTime: () => Promise<bigint | null>;
}

/** A shop: clicks become events, and come back as features, scores and actions. */
export interface Shop {
  /** What stands on the shelves. */
  shelves: CatalogueProduct[];
  shoppers: Shoppers;
  /**
   * Sends a click's event. Answers once the hub has it; the score follows to the watchers.
   *
   * @throws {ApiError} no such product
   */
  click(shopper: Shopper, type: ClickType, product: string): Promise<void>;
  /** Milliseconds from click to new score, latest last. */
  latencies: number[];
  /** What went wrong, latest last. */
  errors: { at: string; message: string }[];
  close(): Promise<void>;
}

/** How often the store is asked whether it counts an event yet. */
const LOOK_MS = 10;
/** After that the page says that the pipeline is behind. */
const PATIENCE_MS = 120_000;
const KEPT = 500;

/** Opens a shop. */
export function openShop(options: ShopOptions): Shop {
  const producer = openProducer(options);
  const byId = new Map(options.catalogue.map((product) => [product.product_id, product]));
  const clock = shopClock(options.streamTime);
  const shop: Shop = {
    shelves: options.catalogue.filter(({ onShelf }) => onShelf),
    shoppers: new Shoppers(),
    latencies: [],
    errors: [],
    close: () => producer.close(),
    async click(shopper, type, id) {
      const clicked = performance.now();
      const product = byId.get(id);
      if (product === undefined) {
        throw new ApiError("RESOURCE_DOES_NOT_EXIST", `The shop has no product ${id}.`);
      }
      const before = shopper.work;
      const { promise: sent, resolve, reject } = Promise.withResolvers<void>();
      shopper.work = before.then(async () => {
        try {
          const time = await clock();
          const body = Buffer.from(messageOf(eventOf(shopper, type, product, time)));
          await producer.sendBatch([{ body }], { partitionKey: shopper.view.user_id });
          const event = noteSent(shopper, type, product, time);
          resolve();
          const answer = await follow(options, shopper, event);
          noteScores(shopper.view, answer, byId);
          event.latencyMs = performance.now() - clicked;
          keep(shop.latencies, event.latencyMs);
        } catch (error) {
          const message = (error as Error).message;
          keep(shop.errors, { at: new Date().toISOString(), message });
          shopper.view.problem = message;
          reject(error);
        }
        tell(shopper);
      });
      await sent;
    },
  };
  return shop;
}

function eventOf(shopper: Shopper, type: ClickType, product: CatalogueProduct, time: bigint) {
  return {
    event_time: time,
    event_type: type,
    product_id: BigInt(product.product_id),
    category_id: product.category_id === null ? null : BigInt(product.category_id),
    category_code: product.category_code === "other" ? null : product.category_code,
    brand: product.brand,
    price: product.price,
    user_id: BigInt(shopper.view.user_id),
    user_session: shopper.view.session,
    staged_row: null,
    ingest_ts: BigInt(Date.now()) * 1000n,
  };
}

function noteSent(
  shopper: Shopper,
  type: ClickType,
  product: CatalogueProduct,
  time: bigint,
): SentEvent {
  const { product_id } = product;
  shopper.sent += 1;
  const event_time = formatTime(time);
  const event = { number: shopper.sent, type, product_id, event_time, latencyMs: null };
  shopper.view.events = [event, ...shopper.view.events].slice(0, 30);
  touch(shopper.view, product, type);
  tell(shopper);
  return event;
}

/** Waits until the online store counts an event, then scores what the shopper touched. */
async function follow(
  options: ShopOptions,
  shopper: Shopper,
  event: SentEvent,
): Promise<ScoreAnswer> {
  const { view } = shopper;
  const keys = (product_id: string) => ({
    user_id: BigInt(view.user_id),
    user_session: view.session,
    product_id: BigInt(product_id),
  });
  const started = performance.now();
  let found: LookedUp | undefined;
  do {
    if (found !== undefined) await pause(LOOK_MS);
    if (performance.now() - started > PATIENCE_MS) {
      throw new Error("The pipeline is behind: the event is sent, but no feature counts it yet.");
    }
    [found] = await lookUpFeatures(options.store, [keys(event.product_id)]);
  } while (Number(found?.features["cart__events"] ?? 0) < event.number);
  view.features = found!.features;
  return await options.serving.score(
    null,
    view.products.map((product) => keys(product.product_id)),
    { actions: true, cache: false },
  );
}

/** Puts a score's answer into what the shopper's page shows. */
function noteScores(
  view: ShopperView,
  answer: ScoreAnswer,
  byId: ReadonlyMap<string, CatalogueProduct>,
): void {
  view.model = answer.model;
  view.problem = answer.not_looked_up === null
    ? null
    : `Scored without features: ${answer.not_looked_up.reason}.`;
  view.products.forEach((product, i) => {
    const action = answer.actions?.[i] ?? null;
    product.bought = answer.already_purchased[i] ?? false;
    product.action = action;
    product.offers = (action?.products ?? []).flatMap((id) => byId.get(id) ?? []);
    product.history = [...product.history, answer.predictions[i]?.[1] ?? null].slice(-30);
  });
}

/**
 * The shop's clock: it goes on from the stream's newest event, as a replay's time is not the wall
 * clock's, and no two events get the same time.
 */
function shopClock(streamTime: () => Promise<bigint | null>): () => Promise<bigint> {
  const opened = performance.now();
  let base: bigint | null = null;
  let last = 0n;
  return async () => {
    const newest = await streamTime() ?? BigInt(Date.now()) * 1000n;
    base ??= newest;
    const running = base + BigInt(Math.round((performance.now() - opened) * 1000));
    last = [last + 1n, running, newest].reduce((a, b) => b > a ? b : a);
    return last;
  };
}

function tell(shopper: Shopper): void {
  for (const watcher of shopper.watchers) watcher();
}

function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > KEPT) list.shift();
}
