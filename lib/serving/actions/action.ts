import type { ActionPolicy } from "./policy.ts";

/** What a shop should do at one moment. */
export interface Action {
  /**
   * `alternatives` when a purchase is unlikely, `discount` in between, `complements` when it is
   * likely or done; `none` when nothing is worth it.
   */
  kind: "alternatives" | "discount" | "complements" | "none";
  /** Share of the price that is given away; null unless `kind` is `discount`. */
  discount: number | null;
  /** Products to show, best first; empty unless alternatives or complements. */
  products: bigint[];
  /** The reason in one sentence, for people. */
  why: string;
}

/** What is known of a product in a cart when an action is chosen. */
export interface Moment {
  /** P(purchase); null when it was bought in that cart already. */
  propensity: number | null;
  /** List price; null when not known. */
  price: number | null;
  /** Share of the price that is margin. */
  margin: number;
}

/** A discount that may be given, and what it is expected to bring and to cost. */
export interface Offer {
  /** Share of the price. */
  discount: number;
  /** Expected profit with it, less expected profit without, in the shop's currency. */
  gain: number;
  /** Expected amount given away, in the shop's currency. */
  cost: number;
}

/** P(purchase) once the log odds are raised by `shift`. */
export function raised(probability: number, shift: number): number {
  const odds = probability / (1 - probability) * Math.exp(shift);
  return probability >= 1 ? 1 : odds / (1 + odds);
}

/** What a discount adds to the log odds: `response` for each unit of -ln(1 - discount). */
export function shiftOf(response: number, discount: number): number {
  return -response * Math.log(1 - discount);
}

/**
 * The discount with the greatest expected gain at this moment, or null when none within the margin
 * brings more than an offer costs.
 */
export function bestOffer(
  policy: Pick<ActionPolicy, "levels" | "response" | "offerCost">,
  propensity: number,
  price: number,
  margin: number,
): Offer | null {
  let best: Offer | null = null;
  for (const discount of policy.levels) {
    if (discount >= margin) continue;
    const bought = raised(propensity, shiftOf(policy.response, discount));
    const gain = price * ((margin - discount) * bought - margin * propensity) - policy.offerCost;
    if (gain > (best?.gain ?? 0)) best = { discount, gain, cost: price * discount * bought };
  }
  return best;
}

/** Which of the three bands a propensity lies in. */
export function bandOf(
  policy: Pick<ActionPolicy, "low" | "high">,
  propensity: number,
): "low" | "middle" | "high" {
  return propensity < policy.low ? "low" : propensity >= policy.high ? "high" : "middle";
}

/** A share as people read it: `12 %`, `3.4 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0).replace(/\.0$/, "")} %`;
}
