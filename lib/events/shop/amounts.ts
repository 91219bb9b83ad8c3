import type { Browsing } from "./browsing.ts";
import { type Calibration, TOTALS } from "./calibration.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Choices } from "./choices.ts";
import { makeRandom, type RandomSource } from "./random.ts";

/** How many events of each type every session-product gets; together exactly as many as wanted. */
export interface Amounts {
  views: Uint8Array;
  carts: Uint8Array;
  purchases: Uint8Array;
  total: number;
}

/** How many events of each type the shop has. */
export interface EventTotals {
  views: number;
  carts: number;
  purchases: number;
}

/** Keenness to look again: by intent, and when it goes to the cart. */
const AGAIN_BY_INTENT = 0.3;
const AGAIN_WHEN_LEFT = 5;
const AGAIN_WHEN_BOUGHT = 1.9;
const PIECES_BY_PRICE = -0.1;

/** The wanted numbers of events by type for a shop of `events` events. */
export function eventTotals(events: number): EventTotals {
  const carts = Math.round(TOTALS.carts * events / TOTALS.events);
  const purchases = Math.round(TOTALS.purchases * events / TOTALS.events);
  return { views: events - carts - purchases, carts, purchases };
}

/** Spreads repeated views, carts and purchases over the session-products that have one. */
export function makeAmounts(
  calibration: Calibration,
  catalogue: Catalogue,
  browsing: Browsing,
  choices: Choices,
  wanted: EventTotals,
  seed: number,
): Amounts {
  const random = makeRandom(seed, "amounts");
  const { count, product } = browsing;
  const views = choices.viewed.slice();
  const carts = choices.carted.slice();
  const purchases = choices.bought.slice();
  const weight = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    weight[i] = random.exponential() * catalogue.price[product[i]!]! ** PIECES_BY_PRICE;
  }
  spread(purchases, weight, wanted.purchases, random);
  spread(carts, weight, wanted.carts, random);
  const bare = calibration.categories.findIndex(({ code }) => code === "");
  const hasNoCode = (i: number) => catalogue.category[product[i]!] === bare;
  let bareRows = 0;
  for (let i = 0; i < count; i++) if (hasNoCode(i)) bareRows += carts[i]! + purchases[i]!;
  const events = wanted.views + wanted.carts + wanted.purchases;
  const bareViews = Math.round(TOTALS.missingCode * events) - bareRows;
  const keen = (i: number) =>
    random.exponential() * Math.exp(AGAIN_BY_INTENT * browsing.intent[browsing.session[i]!]!) *
    (purchases[i]! > 0 ? AGAIN_WHEN_BOUGHT : carts[i]! > 0 ? AGAIN_WHEN_LEFT : 1);
  const withoutCode = views.map((one, i) => hasNoCode(i) ? one : 0);
  const withCode = views.map((one, i) => hasNoCode(i) ? 0 : one);
  for (let i = 0; i < count; i++) weight[i] = keen(i);
  spread(withoutCode, weight, bareViews, random);
  spread(withCode, weight, wanted.views - bareViews, random);
  for (let i = 0; i < count; i++) views[i] = withoutCode[i]! + withCode[i]!;
  return { views, carts, purchases, total: events };
}

/**
 * Raises the ones in `amounts` until they add up to `total`, by weight; when there are too many
 * ones already, takes some away at random.
 */
function spread(
  amounts: Uint8Array,
  weight: Float64Array,
  total: number,
  random: RandomSource,
): void {
  let ones = 0;
  let sum = 0;
  for (let i = 0; i < amounts.length; i++) {
    if (amounts[i] === 0) continue;
    ones++;
    sum += weight[i]!;
  }
  for (let surplus = ones - total; surplus > 0;) {
    const i = random.below(amounts.length);
    if (amounts[i] === 1) {
      amounts[i] = 0;
      surplus--;
    }
  }
  const step = sum / Math.max(0, total - ones);
  let next = step * random.uniform();
  let passed = 0;
  let left = total - ones;
  for (let i = 0; i < amounts.length && left > 0; i++) {
    if (amounts[i] === 0) continue;
    for (passed += weight[i]!; next < passed && left > 0 && amounts[i]! < 250; next += step) {
      amounts[i]!++;
      left--;
    }
  }
  for (; left > 0; left--) amounts[amounts.findLastIndex((amount) => amount > 0)]!++;
}
