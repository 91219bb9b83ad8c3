import type { Amounts } from "./amounts.ts";
import type { Browsing } from "./browsing.ts";
import type { Calendar } from "./calendar.ts";
import type { Catalogue } from "./catalogue.ts";
import { makeRandom, type RandomSource } from "./random.ts";
import type { Visits } from "./visits.ts";

/** The events, a position each in every column. */
export interface Timeline {
  count: number;
  /** Seconds after the shop's start. */
  time: Uint32Array;
  /** Position of the session-product. */
  item: Uint32Array;
  /** 0 view, 1 cart, 2 purchase. */
  type: Uint8Array;
}

export const [VIEW, CART, PURCHASE] = [0, 1, 2] as const;

/** Chance that a pause in a session is a long one, and that it then ends on a later day. */
const LONG_PAUSE = 0.055;
const LATER_DAY = 0.6;
/** Chance that what is in the cart is bought at once, and not when all is looked at. */
const AT_ONCE = 0.2;
/** Chance that a further view follows at once, and not after the other products. */
const LOOKS_AGAIN_AT_ONCE = 0.55;
/** Chance that the products of one order stand at the same second. */
const ONE_ORDER = 0.7;

/** Median pauses in seconds and their spread (log). */
const PAUSE = {
  view: { median: 40, spread: 1.25 },
  cart: { median: 45, spread: 0.9 },
  purchase: { median: 78, spread: 0.9 },
  piece: { median: 9, spread: 1 },
};

/** Lays the events of every session out in time. */
export function makeTimeline(
  shop: { calendar: Calendar; catalogue: Catalogue },
  visits: Visits,
  browsing: Browsing,
  amounts: Amounts,
  seed: number,
): Timeline {
  const random = makeRandom(seed, "timeline");
  const time = new Uint32Array(amounts.total);
  const item = new Uint32Array(amounts.total);
  const type = new Uint8Array(amounts.total);
  let count = 0;
  let now = 0;
  let fresh = true;
  const put = (i: number, kind: number) => {
    time[count] = Math.min(now, shop.calendar.end);
    item[count] = i;
    type[count++] = kind;
    fresh = false;
  };
  const wait = (kind: { median: number; spread: number }, factor = 1) => {
    if (!fresh) now += pause(kind, factor, now, shop.calendar, random);
  };
  const buy = (i: number, inOrder: boolean) => {
    if (!inOrder || random.uniform() > ONE_ORDER) wait(PAUSE.purchase, inOrder ? 0.2 : 1);
    for (let k = 0; k < amounts.purchases[i]!; k++) {
      if (k > 0) now += Math.max(1, Math.round(lognormal(PAUSE.piece, random)));
      put(i, PURCHASE);
    }
  };
  const view = (i: number) => {
    wait(PAUSE.view);
    put(i, VIEW);
  };
  const later: number[] = [];
  const basket: number[] = [];
  for (let s = 0; s < visits.count; s++) {
    now = visits.start[s]!;
    fresh = true;
    later.length = basket.length = 0;
    for (let i = browsing.first[s]!; i < browsing.first[s + 1]!; i++) {
      const quicker = 1.08 - 0.06 * shop.catalogue.quartile[browsing.product[i]!]!;
      for (let k = 0; k < amounts.views[i]!; k++) {
        if (k === 0 || random.uniform() < LOOKS_AGAIN_AT_ONCE) view(i);
        else later.push(i);
      }
      for (let k = 0; k < amounts.carts[i]!; k++) {
        wait(PAUSE.cart, quicker);
        put(i, CART);
      }
      if (amounts.purchases[i] === 0) continue;
      if (random.uniform() < AT_ONCE) buy(i, false);
      else basket.push(i);
    }
    for (const i of later) view(i);
    basket.forEach((i, position) => buy(i, position > 0));
  }
  return { count, time, item, type };
}

function lognormal(kind: { median: number; spread: number }, random: RandomSource): number {
  return kind.median * Math.exp(kind.spread * random.normal());
}

/** Seconds to the next event: mostly a short pause, now and then hours, or until another day. */
function pause(
  kind: { median: number; spread: number },
  factor: number,
  now: number,
  calendar: Calendar,
  random: RandomSource,
): number {
  const short = Math.max(1, Math.round(factor * lognormal(kind, random)));
  if (random.uniform() >= LONG_PAUSE) return short;
  if (random.uniform() >= LATER_DAY) return 1800 + Math.floor(20000 * random.uniform() ** 2);
  const days = Math.ceil(3 * Math.exp(1.3 * random.normal()));
  const then = calendar.laterDay(now, days, random);
  return then <= calendar.end && then > now ? then - now : short;
}
