import { makeBrands } from "./brands.ts";
import { type Calibration, type CategoryFigures, PRICE_QUARTILES, TOTALS } from "./calibration.ts";
import { makeRandom, makeSampler, type RandomSource } from "./random.ts";

/** The products of the shop, a position each in every column. */
export interface Catalogue {
  size: number;
  /** Position of the category in the calibration. */
  category: Uint8Array;
  price: Float64Array;
  /** Price quartile, 0 to 3. */
  quartile: Uint8Array;
  /** ln(price / the category's median price). */
  relativePrice: Float32Array;
  /** What makes it likely to be put in a cart, log-odds; -Infinity when it cannot be ordered. */
  appeal: Float32Array;
  /** Share of the price that is margin. */
  margin: Float32Array;
  id: Uint32Array;
  /** Empty where there is none. */
  brand: string[];
  categoryId: string[];
  /** Draws a product of a category by its popularity. */
  draw(category: number, random: RandomSource): number;
}

const POPULARITY_EXPONENT = 0.85;
const POPULARITY_OFFSET = 2;
const SIZE_EXPONENT = 0.8;
/** Shares of all views that the most popular products take, and their categories. */
const FAVOURITES: [string, number][] = [
  ["electronics.telephone", 0.0164],
  ["computers.components.videocards", 0.0083],
  ["", 0.0048],
  ["computers.peripherals.printer", 0.0048],
  ["stationery.cartrige", 0.004],
];
const NO_BRAND = { withoutCode: 0.44, withCode: 0.17 };
const APPEAL_SPREAD = 0.2;

/** Expected views by session-product, of each category: what the popularity is scaled to. */
export function categoryShares(categories: CategoryFigures[]): Float64Array {
  const share = categories.map(({ funnel, sessions, eventsPerSession, cartRate, purchaseRate }) =>
    funnel?.viewed ?? sessions * (eventsPerSession - 1.31 * cartRate - 1.53 * purchaseRate) / 1.23
  );
  const total = share.reduce((sum, each) => sum + each, 0);
  return Float64Array.from(share, (each) => each / total);
}

/**
 * Builds the catalogue for a shop of `scale` times the published size.
 *
 * @param scale events asked for / events published
 */
export function makeCatalogue(calibration: Calibration, scale: number, seed: number): Catalogue {
  const random = makeRandom(seed, "catalogue");
  const { categories } = calibration;
  const shares = categoryShares(categories);
  const viewed = TOTALS.viewed * scale;
  const counts = countProducts(categories, shares, viewed, TOTALS.products * scale);
  const size = counts.reduce((sum, count) => sum + count, 0);
  const category = new Uint8Array(size);
  const weight = new Float64Array(size);
  const samplers: ((random: RandomSource) => number)[] = [];
  const firsts: number[] = [];
  for (let c = 0, first = 0; c < counts.length; first += counts[c]!, c++) {
    const weights = popularity(counts[c]!, favouriteShare(categories[c]!, shares[c]!));
    category.fill(c, first, first + counts[c]!);
    for (let r = 0; r < weights.length; r++) weight[first + r] = weights[r]! * shares[c]!;
    samplers.push(makeSampler(weights));
    firsts.push(first);
  }
  const prices = makePrices(categories, category, weight, random);
  const appeal = new Float32Array(size);
  const margin = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const orderable = random.uniform() < Math.min(1, 0.14 * weight[i]! * viewed);
    appeal[i] = orderable ? APPEAL_SPREAD * random.normal() : -Infinity;
    margin[i] = 0.05 + 0.3 * random.uniform();
  }
  setFavourites(appeal, category, categories);
  setExtremes(prices, appeal, weight, category, viewed, categories);
  return {
    size,
    category,
    ...prices,
    appeal,
    margin,
    id: makeIds(size, random),
    brand: makeBrandColumn(categories, category, weight, scale, random),
    categoryId: makeCategoryIds(categories, category, scale, random),
    draw: (c, source) => firsts[c]! + samplers[c]!(source),
  };
}

/** Numbers of products a category, so that the wanted number of products is seen at least once. */
function countProducts(
  categories: CategoryFigures[],
  shares: Float64Array,
  viewed: number,
  seen: number,
): number[] {
  const sizes = shares.map((share) => share ** SIZE_EXPONENT);
  const total = sizes.reduce((sum, each) => sum + each, 0);
  const split = (size: number) =>
    Array.from(sizes, (each) => Math.max(1, Math.round(size * each / total)));
  let low = seen;
  let high = 4 * seen;
  for (let step = 0; step < 20 && high - low > 1; step++) {
    const middle = (low + high) / 2;
    let expected = 0;
    split(middle).forEach((count, c) => {
      const weights = popularity(count, favouriteShare(categories[c]!, shares[c]!));
      for (const weight of weights) expected += 1 - Math.exp(-weight * shares[c]! * viewed);
    });
    if (expected < seen) low = middle;
    else high = middle;
  }
  return split(high);
}

function favouriteShare(category: CategoryFigures, share: number): number | null {
  const favourite = FAVOURITES.find(([code]) => code === category.code);
  return favourite ? Math.min(0.5, favourite[1] / share) : null;
}

/** Shares of the products of one category, most popular first; they sum to 1. */
function popularity(count: number, first: number | null): Float64Array {
  const weights = new Float64Array(count);
  let total = 0;
  for (let r = 0; r < count; r++) {
    total += weights[r] = (r + 1 + POPULARITY_OFFSET) ** -POPULARITY_EXPONENT;
  }
  const rest = first === null || count === 1 ? 1 : (1 - first) / (1 - weights[0]! / total);
  for (let r = 0; r < count; r++) weights[r]! *= rest / total;
  if (first !== null && count > 1) weights[0] = first;
  return weights;
}

type Prices = Pick<Catalogue, "price" | "quartile" | "relativePrice">;

/** Cumulated shares of viewed session-products, and the price that stands there. */
const PRICE_CURVE: [number, number][] = [
  [0, 0.3],
  [0.01, 3.5],
  [0.05, 11],
  [0.25, PRICE_QUARTILES.cuts[0]],
  [0.5, PRICE_QUARTILES.cuts[1]],
  [0.75, PRICE_QUARTILES.cuts[2]],
  [0.95, 400],
  [0.99, 650],
  [0.999, 2600],
  [1, 9000],
];

/** Prices spread around their category's median, then bent so that the quartiles are met. */
function makePrices(
  categories: CategoryFigures[],
  category: Uint8Array,
  weight: Float64Array,
  random: RandomSource,
): Prices {
  const size = category.length;
  const medians = categories.map(medianPrice);
  const raw = new Float64Array(size);
  const relativePrice = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const spread = categories[category[i]!]!.code === "" ? 1.3 : 0.75;
    relativePrice[i] = spread * random.normal();
    raw[i] = medians[category[i]!]! * Math.exp(relativePrice[i]!);
  }
  const order = Uint32Array.from(raw, (_, index) => index).sort((a, b) => raw[a]! - raw[b]!);
  const price = new Float64Array(size);
  const quartile = new Uint8Array(size);
  let below = 0;
  for (const i of order) {
    const exact = priceAt(below + weight[i]! / 2);
    price[i] = Math.round(exact * 100) / 100;
    quartile[i] = PRICE_QUARTILES.cuts.filter((cut) => price[i]! > cut).length;
    below += weight[i]!;
  }
  return { price, quartile, relativePrice };
}

function priceAt(share: number): number {
  let knot = 1;
  while (knot < PRICE_CURVE.length - 1 && share > PRICE_CURVE[knot]![0]) knot++;
  const [x0, y0] = PRICE_CURVE[knot - 1]!;
  const [x1, y1] = PRICE_CURVE[knot]!;
  const part = Math.min(1, (share - x0) / (x1 - x0));
  return Math.exp(Math.log(y0) * (1 - part) + Math.log(y1) * part);
}

function medianPrice({ funnel, sessions, purchaseRate, revenue }: CategoryFigures): number {
  if (funnel) return funnel.medianPrice;
  const buyers = sessions * purchaseRate;
  return buyers >= 5 ? Math.max(5, 0.5 * revenue / (1.53 * buyers)) : 40;
}

/** The favourites are viewed by their published shares; a mean appeal keeps them there. */
function setFavourites(
  appeal: Float32Array,
  category: Uint8Array,
  categories: CategoryFigures[],
): void {
  for (const [code] of FAVOURITES) {
    appeal[category.indexOf(categories.findIndex((each) => each.code === code))] = 0;
  }
}

/** The cheapest and the dearest price stand on products that are surely seen and never ordered. */
function setExtremes(
  prices: Prices,
  appeal: Float32Array,
  weight: Float64Array,
  category: Uint8Array,
  viewed: number,
  categories: CategoryFigures[],
): void {
  let left = 2;
  for (let i = 0; i < weight.length && left > 0; i++) {
    const seen = weight[i]! * viewed;
    if (categories[category[i]!]!.code !== "" || seen > 16) continue;
    prices.price[i] = left === 2 ? 64_771.06 : 0.22;
    prices.quartile[i] = left === 2 ? 3 : 0;
    appeal[i] = -Infinity;
    left--;
  }
}

function makeIds(size: number, random: RandomSource): Uint32Array {
  const ids = new Uint32Array(size);
  let id = 100_000;
  for (let i = 0; i < size; i++) ids[i] = id += 1 + random.below(150);
  for (let i = size - 1; i > 0; i--) {
    const other = random.below(i + 1);
    const swap = ids[i]!;
    ids[i] = ids[other]!;
    ids[other] = swap;
  }
  return ids;
}

/** Brands; which products have none is balanced by popularity, so the share of rows is met. */
function makeBrandColumn(
  categories: CategoryFigures[],
  category: Uint8Array,
  weight: Float64Array,
  scale: number,
  random: RandomSource,
): string[] {
  const names = makeBrands(Math.max(40, Math.round(TOTALS.brands * Math.min(1.5, scale ** 0.5))));
  const seen = { all: [0, 0], bare: [0, 0] };
  return Array.from(category, (c, i) => {
    const { code } = categories[c]!;
    const group = code === "" ? 0 : 1;
    const wanted = group === 0 ? NO_BRAND.withoutCode : NO_BRAND.withCode;
    seen.all[group]! += weight[i]!;
    const debt = wanted * seen.all[group]! - seen.bare[group]!;
    if (debt > random.uniform() * weight[i]!) {
      seen.bare[group]! += weight[i]!;
      return "";
    }
    return names.nameFor(code, random);
  });
}

/** Ids like 2144415922528452715: a category has several, most of them without a code. */
function makeCategoryIds(
  categories: CategoryFigures[],
  category: Uint8Array,
  scale: number,
  random: RandomSource,
): string[] {
  const ids = categories.map(({ code }) => {
    const bare = TOTALS.categoryIds - 2 * (categories.length - 1);
    const count = code === "" ? Math.max(3, Math.round(bare * Math.min(1, scale ** 0.5))) : 2;
    return Array.from({ length: count }, () => {
      const digits = String(random.below(1e6)).padStart(6, "0") +
        String(random.below(1e6)).padStart(6, "0");
      return `2144415${digits}`;
    });
  });
  return Array.from(category, (c) => ids[c]![random.below(ids[c]!.length)]!);
}
