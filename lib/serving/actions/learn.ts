import { createRandom, fitLogisticLine } from "clickstream/model";
import { bestOffer, percent, raised, shiftOf } from "./action.ts";
import type { Customers, Moments } from "./moments.ts";
import { type ActionPolicy, UNLEARNED } from "./policy.ts";

/** What a trial of random discounts showed: one moment of each item, and what then happened. */
export interface Trial {
  propensity: Float64Array;
  /** Share of the price that was given away; 0 for none. */
  discount: Float64Array;
  /** 1 where it was bought. */
  bought: Uint8Array;
}

/** What a discount does, as a trial showed. */
export interface Response {
  /** Added to the log odds for each unit of -ln(1 - discount). */
  value: number;
  /** 95 % interval. */
  low: number;
  high: number;
  /** Items of the trial, and purchases among them. */
  items: number;
  purchases: number;
}

/** How {@link learnPolicy} decides. */
export interface LearnOptions {
  /** Discounts that may be given. @default [0.05, 0.1, 0.15] */
  levels?: number[];
  /** What showing an offer costs, in the shop's currency. @default 0.05 */
  offerCost?: number;
  /** Expected amount given away in a day at most, in the shop's currency. @default 500 */
  dailyBudget?: number;
  /** Margin of products whose margin is not known. @default 0.2 */
  defaultMargin?: number;
}

/**
 * Lets synthetic customers take part in a trial: a random moment of each item gets a random
 * discount or none, and the item is then bought or not. This is what a real shop would do with real
 * customers; only what they did leaves this function.
 */
export function runTrial(
  moments: Moments,
  customers: Customers,
  { levels = LEVELS, seed = 1 }: { levels?: number[]; seed?: number } = {},
): Trial {
  const random = createRandom(seed).next;
  const chosen = new Map<number, number>();
  const seen = new Uint32Array(moments.items);
  for (let i = 0; i < moments.count; i++) {
    const item = moments.item[i]!;
    if (random() * ++seen[item]! < 1) chosen.set(item, i);
  }
  const at = Uint32Array.from(chosen.values());
  const arms = [0, ...levels];
  const discount = Float64Array.from(at, () => arms[Math.floor(random() * arms.length)]!);
  const bought = Uint8Array.from(at, (i, k) => {
    const chance = raised(customers.chance[i]!, shiftOf(customers.response[i]!, discount[k]!));
    return random() < chance ? 1 : 0;
  });
  return { propensity: Float64Array.from(at, (i) => moments.propensity[i]!), discount, bought };
}

/**
 * What a discount does: logistic regression of purchases on -ln(1 - discount), with the model's log
 * odds as offset and an intercept for what the model is off by.
 */
export function responseOf({ propensity, discount, bought }: Trial): Response {
  const { slope: value, slopeVariance } = fitLogisticLine({
    xs: discount.map((share) => -Math.log(1 - share)),
    targets: bought,
    offsets: propensity.map(clipped).map((p) => Math.log(p / (1 - p))),
  }, { slope: 0, intercept: 0 });
  const spread = 1.96 * Math.sqrt(slopeVariance);
  const purchases = bought.reduce((sum, each) => sum + each, 0);
  return { value, low: value - spread, high: value + spread, items: bought.length, purchases };
}

function clipped(probability: number): number {
  return Math.min(1 - 1e-6, Math.max(1e-6, probability));
}

/** Expected gain of a pair of thresholds on moments. */
export interface ThresholdGain {
  low: number;
  high: number;
  /** In the shop's currency, over all moments. */
  gain: number;
  offers: number;
}

/** A policy, with what it was chosen from. */
export interface LearnedPolicy {
  policy: ActionPolicy;
  response: Response;
  /** Every pair of thresholds that was tried. */
  tried: ThresholdGain[];
}

/**
 * Chooses when to give discounts: the thresholds with the greatest expected profit on validation
 * moments, one discount a cart. A discount is taken to do as little as the trial leaves possible
 * (the lower end of the interval), as a rule that picks its best guess picks its luckiest one. Of
 * thresholds within 5 % of the best, the narrowest: a discount that hardly pays is not given. When
 * no discount pays, none is given, and the thresholds are those of a shop that has not learned yet.
 */
export function learnPolicy(
  moments: Moments,
  trial: Trial,
  options: LearnOptions = {},
): LearnedPolicy {
  const { levels = LEVELS, offerCost = 0.05, dailyBudget = 500, defaultMargin = 0.2 } = options;
  const response = responseOf(trial);
  const rule = { levels, offerCost, response: Math.max(0, response.low) };
  const tried = thresholdGains(moments, rule);
  const { low, high } = narrowest(tried);
  const source = `a trial of ${response.items} items with ${response.purchases} purchases: ` +
    `response ${response.value.toFixed(1)} (${response.low.toFixed(1)} to ${
      response.high.toFixed(1)
    }); thresholds ${percent(low)} and ${percent(high)} on ${moments.carts} validation carts`;
  return { policy: { ...rule, low, high, dailyBudget, defaultMargin, source }, response, tried };
}

function narrowest(tried: ThresholdGain[]): Pick<ThresholdGain, "low" | "high"> {
  const best = tried.reduce((most, { gain }) => Math.max(most, gain), 0);
  if (best === 0) return UNLEARNED;
  const nearly = tried.filter(({ gain }) => gain >= best * 0.95);
  return nearly.reduce((a, b) => b.offers < a.offers ? b : a);
}

const LEVELS = [0.05, 0.1, 0.15];
/** Shares of the moments at which thresholds are tried. */
const EDGES = [...Array.from({ length: 20 }, (_, i) => i / 20), 0.97, 0.98, 0.99, 0.995];

function thresholdGains(
  moments: Moments,
  rule: Pick<ActionPolicy, "levels" | "response" | "offerCost">,
): ThresholdGain[] {
  const gains = moments.propensity.map((p, i) =>
    bestOffer(rule, p, moments.price[i]!, moments.margin[i]!)?.gain ?? 0
  );
  const sorted = moments.propensity.toSorted();
  const edges = EDGES.map((share) =>
    share === 0 ? 0 : sorted[Math.floor(sorted.length * share)] ?? 1
  );
  const distinct = [...new Set([...edges, 1])];
  return distinct.flatMap((low, a) =>
    distinct.slice(a + 1).map((high) => gainBetween(moments, gains, low, high))
  );
}

/** One discount a cart: its first moment between the thresholds at which one is worth it. */
function gainBetween(
  { count, cart, propensity }: Moments,
  gains: Float64Array,
  low: number,
  high: number,
): ThresholdGain {
  let [gain, offers, served] = [0, 0, -1];
  for (let i = 0; i < count; i++) {
    if (cart[i] === served || gains[i]! <= 0) continue;
    if (propensity[i]! < low || propensity[i]! >= high) continue;
    served = cart[i]!;
    gain += gains[i]!;
    offers++;
  }
  return { low, high, gain, offers };
}
