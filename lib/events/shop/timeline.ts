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

/** A pause before an event: its median in seconds and the spread of its logarithm. */
interface Pause {
  median: number;
  spread: number;
  /** How much shorter (part of the median) it is for each price quartile up. */
  quicker: number;
  /** Whether it may be a long one: hours, or until another day. */
  mayBeLong: boolean;
}

const PAUSES = {
  next: { median: 150, spread: 1.5, quicker: 0, mayBeLong: true },
  again: { median: 32, spread: 1.1, quicker: 0, mayBeLong: true },
  cart: { median: 27, spread: 0.9, quicker: 0.06, mayBeLong: true },
  checkout: { median: 76, spread: 0.9, quicker: 0.08, mayBeLong: true },
  order: { median: 12, spread: 0.9, quicker: 0, mayBeLong: false },
  piece: { median: 9, spread: 1, quicker: 0, mayBeLong: false },
} satisfies Record<string, Pause>;

/** Chance that a pause is a long one. */
const LONG_PAUSE = 0.055;
const DAY = 86400;
/** Chance that a long pause ends on a later day. */
const LATER_DAY = 0.7;
/** Chance that what is in the cart is bought at once, and not when all is looked at. */
const AT_ONCE = 0.75;
/** Chance that a further view follows at once, and not after the other products. */
const LOOKS_AGAIN_AT_ONCE = 0.7;
/** Chance that the products of one order stand at the same second. */
const ONE_ORDER = 0.7;

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
  const plan = makePlan();
  let count = 0;
  for (let s = 0; s < visits.count; s++) {
    planSession(plan, browsing.first[s]!, browsing.first[s + 1]!, amounts, random);
    let now = visits.start[s]!;
    for (let step = 0; step < plan.length; step++) {
      const i = plan.item[step]!;
      const pause = plan.pause[step]!;
      const quartile = shop.catalogue.quartile[browsing.product[i]!]!;
      if (step > 0 && pause) now += secondsOf(pause, quartile, now, shop.calendar, random);
      time[count + step] = now;
      item[count + step] = i;
      type[count + step] = plan.type[step]!;
    }
    if (plan.length > 1) {
      const times = time.subarray(count, count + plan.length);
      centre(times, visits.start[s]!, shop.calendar.end, random);
    }
    count += plan.length;
  }
  return { count, time, item, type };
}

/** The events of one session in order, with the pause before each; null means the same second. */
interface Plan {
  length: number;
  item: number[];
  type: number[];
  pause: (Pause | null)[];
  /** Views and purchases that wait until all products are looked at. */
  later: number[];
  basket: number[];
}

function makePlan(): Plan {
  return { length: 0, item: [], type: [], pause: [], later: [], basket: [] };
}

function addStep(plan: Plan, item: number, type: number, pause: Pause | null): void {
  plan.item[plan.length] = item;
  plan.type[plan.length] = type;
  plan.pause[plan.length++] = pause;
}

function planSession(
  plan: Plan,
  from: number,
  to: number,
  amounts: Amounts,
  random: RandomSource,
): void {
  plan.length = plan.later.length = plan.basket.length = 0;
  for (let i = from; i < to; i++) {
    for (let k = 0; k < amounts.views[i]!; k++) {
      if (k === 0) addStep(plan, i, VIEW, PAUSES.next);
      else if (random.uniform() < LOOKS_AGAIN_AT_ONCE) addStep(plan, i, VIEW, PAUSES.again);
      else plan.later.push(i);
    }
    for (let k = 0; k < amounts.carts[i]!; k++) addStep(plan, i, CART, PAUSES.cart);
    if (amounts.purchases[i] === 0) continue;
    if (random.uniform() < AT_ONCE) addPurchase(plan, i, amounts, PAUSES.checkout);
    else plan.basket.push(i);
  }
  for (const i of plan.later) addStep(plan, i, VIEW, PAUSES.next);
  plan.basket.forEach((i, position) => {
    const inOrder = random.uniform() < ONE_ORDER ? null : PAUSES.order;
    addPurchase(plan, i, amounts, position === 0 ? PAUSES.checkout : inOrder);
  });
}

/** A row for every piece bought; a second after each other at least, so that no row stands twice. */
function addPurchase(plan: Plan, i: number, amounts: Amounts, pause: Pause | null): void {
  for (let k = 0; k < amounts.purchases[i]!; k++) {
    addStep(plan, i, PURCHASE, k === 0 ? pause : PAUSES.piece);
  }
}

/** Seconds of a pause: mostly short, now and then hours, or until another day. */
function secondsOf(
  pause: Pause,
  quartile: number,
  now: number,
  calendar: Calendar,
  random: RandomSource,
): number {
  const median = pause.median * (1 - pause.quicker * quartile);
  const short = Math.max(1, Math.round(median * Math.exp(pause.spread * random.normal())));
  if (!pause.mayBeLong || random.uniform() >= LONG_PAUSE) return short;
  if (random.uniform() >= LATER_DAY) return someHours(now, calendar, random) ?? short;
  const days = Math.ceil(3 * Math.exp(1.3 * random.normal()));
  const then = calendar.laterDay(now, days, random);
  return then > now && days < 150 ? then - now : short;
}

function someHours(now: number, calendar: Calendar, random: RandomSource): number | null {
  for (let tries = 0; tries < 8; tries++) {
    const seconds = 1800 + Math.floor(14000 * random.uniform() ** 2);
    if (random.uniform() < calendar.busy(now + seconds)) return seconds;
  }
  return null;
}

/**
 * Moves a session so that an event drawn at random, and not always the first, stands at the moment
 * that the calendar gave: else later hours and months would get too many events. Sessions of
 * several days move by whole days, which keeps the hours that were drawn for them.
 */
function centre(times: Uint32Array, moment: number, end: number, random: RandomSource): void {
  const last = times[times.length - 1]!;
  let shift = times[random.below(times.length)]! - moment;
  if (shift > 16000) shift = Math.round(shift / DAY) * DAY;
  if (last - shift > end) shift += Math.ceil((last - shift - end) / DAY) * DAY;
  if (shift > times[0]!) shift = Math.floor(times[0]! / DAY) * DAY;
  for (let i = 0; i < times.length; i++) times[i] = Math.min(end, times[i]! - shift);
}
