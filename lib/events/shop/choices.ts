import type { Browsing } from "./browsing.ts";
import type { Calendar } from "./calendar.ts";
import { type Calibration, PRICE_QUARTILES, TOTALS } from "./calibration.ts";
import type { Catalogue } from "./catalogue.ts";
import { makeRandom, type RandomSource } from "./random.ts";
import { chancesOf, type Margin, rake, scaledTo } from "./raking.ts";
import type { Visits } from "./visits.ts";

/** What was decided on every session-product, and how likely it was. */
export interface Choices {
  /** 1 where the product's page was viewed. */
  viewed: Uint8Array;
  carted: Uint8Array;
  bought: Uint8Array;
  /** P(cart). */
  cart: Float32Array;
  /** P(purchase | cart). */
  completion: Float32Array;
  /** P(purchase | no cart). */
  direct: Float32Array;
}

/** What a unit of intent adds to the log-odds of a cart, and of buying what is in it. */
const CART_BY_INTENT = 1.35;
const COMPLETION_BY_INTENT = 0.3;
/** What a price above the category's median takes away, for a user of median sensitivity. */
const CART_BY_PRICE = 0.05;
/** What a unit of appeal adds to the log-odds of buying what is in the cart. */
const COMPLETION_BY_APPEAL = 0.5;
const COMPLETION_BY_PRICE = 0.1;

/** Decides carts and purchases with a choice model whose totals follow the published figures. */
export function makeChoices(
  shop: { calibration: Calibration; calendar: Calendar; catalogue: Catalogue; scale: number },
  visits: Visits,
  browsing: Browsing,
  seed: number,
): Choices {
  const random = makeRandom(seed, "choices");
  const groups = groupItems(shop.catalogue, shop.calendar, visits, browsing);
  const cart = cartChances(shop, visits, browsing, groups);
  const carted = decide(cart, random);
  const completion = completionChances(shop, visits, browsing, groups, carted);
  const completed = decide(completion, random, carted);
  const direct = directChances(shop, browsing, carted);
  const bought = decide(direct, random);
  for (let i = 0; i < bought.length; i++) bought[i] = carted[i] ? completed[i]! : bought[i]!;
  const viewed = decideViews(browsing, carted, bought, shop.scale, random);
  return { viewed, carted, bought, cart, completion, direct };
}

/** By what the published figures are split: a group of every session-product. */
interface Groups {
  category: Uint8Array;
  quartile: Uint8Array;
  month: Uint8Array;
  hour: Uint8Array;
}

const inOrder = ({ category, quartile, month, hour }: Groups) => [category, quartile, month, hour];

function groupItems(
  catalogue: Catalogue,
  calendar: Calendar,
  visits: Visits,
  browsing: Browsing,
): Groups {
  const { count, product, session } = browsing;
  const make = () => new Uint8Array(count);
  const groups = { category: make(), quartile: make(), month: make(), hour: make() };
  for (let i = 0; i < count; i++) {
    const start = visits.start[session[i]!]!;
    groups.category[i] = catalogue.category[product[i]!]!;
    groups.quartile[i] = catalogue.quartile[product[i]!]!;
    groups.month[i] = calendar.monthOf(start);
    groups.hour[i] = calendar.hourOf(start);
  }
  return groups;
}

type ShopParts = Parameters<typeof makeChoices>[0];

function cartChances(
  { calibration, catalogue, scale }: ShopParts,
  visits: Visits,
  { count, product, session, intent }: Browsing,
  groups: Groups,
): Float32Array {
  const score = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const p = product[i]!;
    const s = session[i]!;
    const price = catalogue.relativePrice[p]! * visits.sensitivity[visits.user[s]!]!;
    score[i] = CART_BY_INTENT * intent[s]! + catalogue.appeal[p]! - CART_BY_PRICE * price;
  }
  const seen = countBy(groups.category, calibration.categories.length);
  const quartiles = countBy(groups.quartile, 4);
  const margins = marginsOf(inOrder(groups), TOTAL_CARTED * scale, [
    calibration.categories.map(({ funnel, cartRate }, c) =>
      seen[c]! * (funnel ? funnel.carted / funnel.viewed : 0.85 * cartRate)
    ),
    PRICE_QUARTILES.viewToCart.map((rate, q) => rate * quartiles[q]!),
    calibration.months.map((month) => month.carts),
    calibration.hours.map((hour) => sharper(hour.carts, hour.views, TOTALS.carts)),
  ]);
  return chancesOf(score, inOrder(groups), rake(score, margins));
}

const TOTAL_CARTED = TOTALS.viewedThenCarted + TOTALS.cartedWithoutView;

function marginsOf(groups: Uint8Array[], total: number, targets: number[][]): Margin[] {
  return groups.map((group, m) => ({ group, target: scaledTo(total, targets[m]!) }));
}

/** Sessions outlast their hour, which flattens hours of unlike rates: so they are drawn apart. */
function sharper(count: number, views: number, all: number): number {
  return count * (count / views / (all / TOTALS.views)) ** 0.8;
}

function completionChances(
  { calibration, catalogue }: ShopParts,
  visits: Visits,
  { count, product, session, intent }: Browsing,
  groups: Groups,
  carted: Uint8Array,
): Float32Array {
  const score = new Float32Array(count);
  const items = new Uint32Array(countOnes(carted));
  for (let i = 0, at = 0; i < count; i++) {
    const s = session[i]!;
    const price = catalogue.relativePrice[product[i]!]! * visits.sensitivity[visits.user[s]!]!;
    score[i] = COMPLETION_BY_INTENT * intent[s]! - COMPLETION_BY_PRICE * price +
      COMPLETION_BY_APPEAL * catalogue.appeal[product[i]!]!;
    if (carted[i]) items[at++] = i;
  }
  const some = inOrder(groups).map((group) => Uint8Array.from(items, (i) => group[i]!));
  const inCarts = countBy(some[0]!, calibration.categories.length);
  const quartiles = countBy(some[1]!, 4);
  const total = items.length * TOTALS.cartedThenBought / TOTAL_CARTED;
  const margins = marginsOf(some, total, [
    calibration.categories.map(({ funnel, cartRate, purchaseRate }, c) =>
      inCarts[c]! * (funnel ? funnel.bought / funnel.carted : 0.8 * purchaseRate / (cartRate || 1))
    ),
    PRICE_QUARTILES.cartToPurchase.map((rate, q) => rate * quartiles[q]!),
    calibration.months.map((month) => month.purchases),
    calibration.hours.map((hour) => sharper(hour.purchases, hour.views, TOTALS.purchases)),
  ]);
  const raked = rake(Float32Array.from(items, (i) => score[i]!), margins);
  return chancesOf(score, inOrder(groups), raked);
}

/** Purchases without a cart: rare, by intent alone, and only of what can be ordered. */
function directChances(
  { catalogue, scale }: ShopParts,
  { count, product, session, intent }: Browsing,
  carted: Uint8Array,
): Float32Array {
  const score = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    score[i] = carted[i]
      ? -Infinity
      : CART_BY_INTENT * intent[session[i]!]! + catalogue.appeal[product[i]!]!;
  }
  const all = { group: new Uint8Array(count), target: [TOTALS.boughtWithoutCart * scale] };
  return chancesOf(score, [all.group], rake(score, [all], 8));
}

/** A few products come to a cart or are bought without a view, in sessions of one product. */
function decideViews(
  { count, session, first }: Browsing,
  carted: Uint8Array,
  bought: Uint8Array,
  scale: number,
  random: RandomSource,
): Uint8Array {
  const alone = (i: number) => first[session[i]! + 1]! - first[session[i]!]! === 1;
  let carts = 0;
  let purchases = 0;
  for (let i = 0; i < count; i++) {
    if (!alone(i)) continue;
    if (carted[i]) carts++;
    else if (bought[i]) purchases++;
  }
  const cartShare = TOTALS.cartedWithoutView * scale / Math.max(1, carts);
  const rest = TOTALS.sessionsWithoutView - TOTALS.cartedWithoutView;
  const purchaseShare = rest * scale / Math.max(1, purchases);
  const viewed = new Uint8Array(count).fill(1);
  for (let i = 0; i < count; i++) {
    if (!alone(i) || !(carted[i] || bought[i])) continue;
    if (random.uniform() < (carted[i] ? cartShare : purchaseShare)) viewed[i] = 0;
  }
  return viewed;
}

function decide(chance: Float32Array, random: RandomSource, where?: Uint8Array): Uint8Array {
  const chosen = new Uint8Array(chance.length);
  for (let i = 0; i < chance.length; i++) {
    if (where && !where[i]) continue;
    if (random.uniform() < chance[i]!) chosen[i] = 1;
  }
  return chosen;
}

function countOnes(flags: Uint8Array): number {
  let count = 0;
  for (const flag of flags) count += flag;
  return count;
}

function countBy(group: Uint8Array, groups: number): Float64Array {
  const counts = new Float64Array(groups);
  for (const each of group) counts[each]!++;
  return counts;
}
