import { type Calibration, TOTALS } from "./calibration.ts";
import { type Catalogue, categoryShares } from "./catalogue.ts";
import { makeRandom, makeSampler, type RandomSource } from "./random.ts";
import type { Visits } from "./visits.ts";

/** What each session looks at: session-products, a session's ones together and in order. */
export interface Browsing {
  count: number;
  session: Uint32Array;
  product: Uint32Array;
  /** Where each session's products begin; one more entry than sessions. */
  first: Uint32Array;
  /** Will to buy of each session, standard normal. Never readable by features. */
  intent: Float32Array;
}

/** How much of a session's intent is the user's lasting taste. */
const TASTE_SHARE = 0.35;
/** What it adds that the user returned. */
const RETURNING_LIFT = 0.25;
/** How much more products a keen session looks at, log a unit of intent. */
const DEPTH_BY_INTENT = 0.2;
/** Spread of the depth beyond that, log. */
const DEPTH_SPREAD = 1.3;
/** Chance that the next product is of the session's own category. */
const STAYS = 0.62;
const MOST_PRODUCTS = 120;

/** Draws intents and the products that every session looks at. */
export function makeBrowsing(
  calibration: Calibration,
  catalogue: Catalogue,
  visits: Visits,
  seed: number,
): Browsing {
  const random = makeRandom(seed, "browsing");
  const { categories } = calibration;
  const depths = depthByCategory(calibration);
  const main = makeSampler(categories.map(({ sessions }) => sessions));
  const other = makeSampler(categoryShares(categories));
  const session = grow(new Uint32Array(Math.ceil(visits.count * 1.4) + 1000));
  const product = grow(new Uint32Array(Math.ceil(visits.count * 1.4) + 1000));
  const first = new Uint32Array(visits.count + 1);
  const intent = new Float32Array(visits.count);
  let count = 0;
  for (let s = 0; s < visits.count; s++) {
    const taste = visits.taste[visits.user[s]!]!;
    const z = Math.sqrt(1 - TASTE_SHARE) * random.normal() + Math.sqrt(TASTE_SHARE) * taste +
      RETURNING_LIFT * visits.returning[s]!;
    intent[s] = z;
    first[s] = count;
    const category = main(random);
    const more = drawDepth(depths[category]!, z, random);
    for (let k = 0; k <= more; k++) {
      const stays = k === 0 || random.uniform() < STAYS;
      const seen = stays ? category : other(random);
      const next = catalogue.draw(seen, random);
      if (isNew(product.array, first[s]!, count, next)) {
        session.put(count, s);
        product.put(count, next);
        count++;
      }
    }
  }
  first[visits.count] = count;
  return {
    count,
    session: session.array.subarray(0, count),
    product: product.array.subarray(0, count),
    first,
    intent,
  };
}

/** How many products a session looks at after the first. */
function drawDepth(mean: number, intent: number, random: RandomSource): number {
  const spread = DEPTH_BY_INTENT * intent + DEPTH_SPREAD * random.normal();
  const own = mean * Math.exp(spread - DEPTH_CORRECTION);
  return Math.min(MOST_PRODUCTS - 1, Math.floor(random.exponential() / Math.log(1 + 1 / own)));
}

const DEPTH_CORRECTION = (DEPTH_BY_INTENT ** 2 + DEPTH_SPREAD ** 2) / 2;

/** Mean number of further products of a session, from the published events a session. */
function depthByCategory({ categories }: Calibration): number[] {
  const extraViews = TOTALS.views / TOTALS.viewed;
  const wanted = categories.map(({ eventsPerSession, cartRate, purchaseRate }) =>
    Math.max(0.02, (eventsPerSession - 1.31 * cartRate - 1.53 * purchaseRate) / extraViews - 1)
  );
  const sessions = categories.reduce((sum, each) => sum + each.sessions, 0);
  const mean = categories.reduce((sum, each, c) => sum + each.sessions * wanted[c]!, 0) / sessions;
  const all = TOTALS.viewed + TOTALS.sessionsWithoutView;
  const target = (all / TOTALS.sessions - 1) * REPEATS_DROPPED;
  return wanted.map((each) => each * target / mean);
}

/** Draws of a product already looked at are dropped: so many more are drawn. */
const REPEATS_DROPPED = 0.99;

function isNew(product: Uint32Array, from: number, to: number, wanted: number): boolean {
  for (let i = from; i < to; i++) if (product[i] === wanted) return false;
  return true;
}

/** A typed array that grows. */
function grow(initial: Uint32Array) {
  const holder = {
    array: initial,
    put(index: number, value: number): void {
      if (index >= holder.array.length) {
        const larger = new Uint32Array(holder.array.length * 2);
        larger.set(holder.array);
        holder.array = larger;
      }
      holder.array[index] = value;
    },
  };
  return holder;
}
