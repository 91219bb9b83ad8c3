import { createRandom } from "clickstream/model";
import { bestOffer, raised, shiftOf } from "./action.ts";
import type { Customers, Moments } from "./moments.ts";
import type { ActionPolicy } from "./policy.ts";

/** Decides at a moment: the share of the price to give away, or 0. Asked once a cart at most after a yes. */
export type DiscountRule = (moment: number) => number;

/** What a rule earns, in the shop's currency by 1,000 carts, with 95 % intervals over carts. */
export interface Profit {
  rule: string;
  profit: number;
  /** More than without discounts. */
  gain: number;
  gainLow: number;
  gainHigh: number;
  /** Discounts given, by 1,000 carts. */
  discounts: number;
}

/** The rules that a policy is compared with: never, always, at random as often, and the policy. */
export function rulesOf(
  moments: Moments,
  policy: ActionPolicy,
  { level = 0.1, seed = 1 }: { level?: number; seed?: number } = {},
): Record<string, DiscountRule> {
  const random = createRandom(seed).next;
  const { propensity, price, margin, count } = moments;
  const ours: DiscountRule = (i) => {
    const p = propensity[i]!;
    if (p < policy.low || p >= policy.high) return 0;
    return bestOffer(policy, p, price[i]!, margin[i]!)?.discount ?? 0;
  };
  let wanted = 0;
  for (let i = 0; i < count; i++) if (ours(i) > 0) wanted++;
  const coins = Float64Array.from({ length: count }, random);
  return {
    never: () => 0,
    always: () => level,
    random: (i) => coins[i]! < wanted / count ? level : 0,
    policy: ours,
  };
}

/**
 * The profit of rules on the synthetic shop's customers. Each cart gets one discount at most; what
 * it changes is that item's expected profit from that moment on, by the customer's true chances.
 */
export function compareProfit(
  moments: Moments,
  customers: Customers,
  rules: Record<string, DiscountRule>,
  { offerCost = 0, resamples = 1000, seed = 1 }: {
    offerCost?: number;
    resamples?: number;
    seed?: number;
  } = {},
): Profit[] {
  const random = createRandom(seed).next;
  const base = baseProfit(moments, customers);
  const outcomes = Object.entries(rules).map(([rule, decide]) => ({
    rule,
    ...gainsOf(moments, customers, decide, offerCost),
  }));
  const draws = resample(moments.carts, resamples, outcomes.map(({ gain }) => gain), random);
  const per = 1000 / Math.max(1, moments.carts);
  return outcomes.map(({ rule, gain, discounts }, k) => {
    const total = gain.reduce((sum, each) => sum + each, 0);
    const sorted = draws[k]!.sort();
    const at = (share: number) => sorted[Math.floor(share * (resamples - 1))]! * per;
    return {
      rule,
      profit: (base + total) * per,
      gain: total * per,
      gainLow: at(0.025),
      gainHigh: at(0.975),
      discounts: discounts * per,
    };
  });
}

function baseProfit({ count, item, price, margin }: Moments, { itemChance }: Customers): number {
  let [sum, last] = [0, -1];
  const done = new Set<number>();
  for (let i = 0; i < count; i++) {
    if (item[i] === last || done.has(item[i]!)) continue;
    last = item[i]!;
    done.add(last);
    sum += price[i]! * margin[i]! * itemChance[last]!;
  }
  return sum;
}

/** What a rule adds to the expected profit of each cart. */
function gainsOf(
  { count, cart, carts, price, margin }: Moments,
  { chance, response }: Customers,
  decide: DiscountRule,
  offerCost: number,
): { gain: Float64Array; discounts: number } {
  const gain = new Float64Array(carts);
  let [served, discounts] = [-1, 0];
  for (let i = 0; i < count; i++) {
    if (cart[i] === served) continue;
    const discount = decide(i);
    if (discount === 0) continue;
    served = cart[i]!;
    discounts++;
    const bought = raised(chance[i]!, shiftOf(response[i]!, discount));
    gain[served] = price[i]! * ((margin[i]! - discount) * bought - margin[i]! * chance[i]!) -
      offerCost;
  }
  return { gain, discounts };
}

/** Sums over carts drawn with replacement, the same carts for every rule. */
function resample(
  carts: number,
  resamples: number,
  gains: Float64Array[],
  random: () => number,
): Float64Array[] {
  const sums = gains.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    for (let n = 0; n < carts; n++) {
      const cart = Math.floor(random() * carts);
      for (let k = 0; k < gains.length; k++) sums[k]![r]! += gains[k]![cart]!;
    }
  }
  return sums;
}
