import type { ActionAnswer } from "../client.ts";
import { ApiError } from "../errors.ts";
import type { CatalogueProduct } from "./catalogue.ts";

/** What a shopper can do; each is an event. */
export type ClickType = "view" | "cart" | "purchase";

/** An event that a shopper's click became. */
export interface SentEvent {
  number: number;
  type: ClickType;
  product_id: string;
  /** ISO 8601, the stream's time. */
  event_time: string;
  /** Milliseconds from the click to a score that counts it; null while it is under way. */
  latencyMs: number | null;
}

/** A product that a shopper touched, as scored last. */
export interface TouchedProduct {
  product_id: string;
  inCart: boolean;
  bought: boolean;
  /** P(purchase) after each event, oldest first; null once it is bought. */
  history: (number | null)[];
  action: ActionAnswer | null;
  /** The action's products, as the shop knows them. */
  offers: CatalogueProduct[];
}

/** What a shopper's page shows. */
export interface ShopperView {
  session: string;
  user_id: string;
  events: SentEvent[];
  products: TouchedProduct[];
  /** The cart's features as the online store holds them. */
  features: Record<string, unknown>;
  /** Model and version of the last score. */
  model: { name: string; version: string } | null;
  /** What went wrong last; null when nothing did. */
  problem: string | null;
}

/** A shopper, and who watches. */
export interface Shopper {
  view: ShopperView;
  /** Events sent, which the store must come to count. */
  sent: number;
  /** The end of the last click's work: a shopper's clicks go one after the other. */
  work: Promise<void>;
  watchers: Set<() => void>;
}

/** Shoppers kept at once; the one that came first goes first. */
const MOST_SHOPPERS = 200;
/** Products scored at once. */
const TOUCHED = 6;

/** Everybody who is in the shop. */
export class Shoppers {
  readonly #all = new Map<string, Shopper>();

  /** A new shopper with a session and a user id of its own. */
  enter(): Shopper {
    const session = crypto.randomUUID();
    // Above every id of the source's users, and beyond what a double holds exactly.
    const random = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const user = 9_100_000_000_000_000_000n + BigInt(random);
    const shopper: Shopper = {
      view: {
        ...{ session, user_id: String(user), events: [], products: [] },
        ...{ features: {}, model: null, problem: null },
      },
      sent: 0,
      work: Promise.resolve(),
      watchers: new Set(),
    };
    this.#all.set(session, shopper);
    if (this.#all.size > MOST_SHOPPERS) this.#all.delete(this.#all.keys().next().value!);
    return shopper;
  }

  /** @throws {ApiError} 404: nobody has that session */
  get(session: string): Shopper {
    const shopper = this.#all.get(session);
    if (shopper !== undefined) return shopper;
    throw new ApiError("RESOURCE_DOES_NOT_EXIST", "That visit has ended: load the page again.");
  }
}

/** Notes what a click does to the shelf of touched products, newest first. */
export function touch(view: ShopperView, product: CatalogueProduct, type: ClickType): void {
  const known = view.products.find((each) => each.product_id === product.product_id);
  const touched = known ?? {
    ...{ product_id: product.product_id, inCart: false, bought: false },
    ...{ history: [], action: null, offers: [] },
  };
  touched.inCart = type === "cart" || (type === "view" && touched.inCart);
  touched.bought ||= type === "purchase";
  const others = view.products.filter((each) => each !== touched);
  view.products = [touched, ...others].filter((each, i) => i < TOUCHED || each.inCart);
}
