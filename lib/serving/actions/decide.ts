import type { RowKeys } from "../types.ts";
import { type Action, bandOf, bestOffer, type Moment, type Offer, percent } from "./action.ts";
import type { Neighbours } from "./itemToItem.ts";
import type { DiscountLedger } from "./ledger.ts";
import type { ActionPolicy } from "./policy.ts";

/** A product in a cart for which an action is wanted. */
export interface Decision extends Moment {
  keys: RowKeys;
  /** Time of the request, microseconds since 1970. */
  at: bigint;
}

/** What decisions rest on. */
export interface DecisionParts {
  policy: ActionPolicy;
  neighbours: Neighbours;
  ledger: DiscountLedger;
}

/** Products shown at once. */
const SHOWN = 4;

/**
 * The next best action for each of several products. Discounts keep the guard rails: within the
 * margin, one a cart, and within the day's budget; of several products of a cart the one with the
 * greatest expected gain gets it. A discount once given is offered again while it fits.
 */
export function nextBestActions(parts: DecisionParts, decisions: readonly Decision[]): Action[] {
  const offers = decisions.map((decision) => offerFor(parts.policy, decision));
  const order = decisions.map((_, i) => i)
    .sort((a, b) => (offers[b]?.gain ?? 0) - (offers[a]?.gain ?? 0));
  const actions = new Array<Action>(decisions.length);
  for (const i of order) actions[i] = actionFor(parts, decisions[i]!, offers[i]!);
  return actions;
}

function offerFor(policy: ActionPolicy, { propensity, price, margin }: Decision): Offer | null {
  if (propensity === null || price === null) return null;
  if (bandOf(policy, propensity) !== "middle") return null;
  return bestOffer(policy, propensity, price, margin);
}

function actionFor(parts: DecisionParts, decision: Decision, offer: Offer | null): Action {
  const { policy } = parts;
  const { propensity } = decision;
  if (propensity === null) {
    return shown(parts, "complements", decision, "It is bought: what goes with it is next.");
  }
  const chance = percent(propensity);
  switch (bandOf(policy, propensity)) {
    case "high":
      return shown(
        parts,
        "complements",
        decision,
        `A purchase is likely (${chance}): no discount is needed, so what goes with it is shown.`,
      );
    case "low":
      return shown(
        parts,
        "alternatives",
        decision,
        `A purchase is unlikely (${chance}): others of its kind may fit better.`,
      );
    default:
      return discountFor(parts, decision, offer, chance);
  }
}

/** In between: a discount when it pays and the guard rails allow it, else alternatives. */
function discountFor(
  parts: DecisionParts,
  decision: Decision,
  offer: Offer | null,
  chance: string,
): Action {
  const { policy, ledger } = parts;
  const { keys, at, margin } = decision;
  const instead = (why: string) => shown(parts, "alternatives", decision, why);
  const before = ledger.granted(keys);
  if (before !== null && before.product === String(keys.product_id)) {
    return discounted(before.discount, `This cart's discount stands (${chance} without it).`);
  }
  if (policy.levels.length === 0) {
    return instead(`At ${chance} a discount might help, but none was tried out yet.`);
  }
  if (offer === null) {
    return instead(
      `At ${chance} and a margin of ${percent(margin)} a discount would cost more than it brings.`,
    );
  }
  if (before !== null) return instead("This cart has had its one discount.");
  if (ledger.spent(at) + offer.cost > policy.dailyBudget) {
    return instead("The day's budget for discounts is used up.");
  }
  ledger.grant(keys, offer, at);
  return discounted(
    offer.discount,
    `At ${chance} and a margin of ${percent(margin)}, ${percent(offer.discount)} off is expected ` +
      `to bring ${offer.gain.toFixed(2)} more than none.`,
  );
}

function discounted(discount: number, why: string): Action {
  return { kind: "discount", discount, products: [], why };
}

function shown(
  { neighbours }: DecisionParts,
  kind: "alternatives" | "complements",
  { keys }: Decision,
  why: string,
): Action {
  const relation = kind === "alternatives" ? "co_view" : "co_purchase";
  const products = neighbours(keys.product_id, relation).slice(0, SHOWN);
  if (products.length > 0) return { kind, discount: null, products: [...products], why };
  return { kind: "none", discount: null, products: [], why: "Nothing is known to go with it." };
}
