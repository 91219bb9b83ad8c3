import { join } from "node:path";
import { type Config } from "clickstream/config";
import type { Lakehouse } from "clickstream/lakehouse";
import type { Action } from "./action.ts";
import { type Decision, nextBestActions } from "./decide.ts";
import { loadNeighbours, type Neighbours } from "./itemToItem.ts";
import { type DiscountLedger, discountLedger } from "./ledger.ts";
import { loadMargins, type Margins } from "./margins.ts";
import { type ActionPolicy, policyFile, readPolicy, UNLEARNED } from "./policy.ts";

/** A product in a cart, scored, for which an action is wanted. */
export type ScoredProduct = Omit<Decision, "margin">;

/** Where next best actions come from. */
export interface ActionSource {
  /** The action for each product of a request. */
  decide(products: readonly ScoredProduct[]): Action[];
  /** The policy that is followed. */
  policy(): ActionPolicy;
  /** Reads policy, margins and item-to-item tables again when the policy was written anew. */
  refresh(): Promise<boolean>;
}

/** Actions by the policy and the tables of a home. */
export async function openActions(
  config: Pick<Config, "home">,
  lake: Lakehouse,
): Promise<ActionSource> {
  const ledger: DiscountLedger = discountLedger(join(config.home, "serving", "discounts.jsonl"));
  let policy = UNLEARNED;
  let neighbours: Neighbours = () => [];
  let margins: Margins = (_product, unknown) => unknown;
  let writtenAt = -1;
  const refresh = async () => {
    const now = await modifiedAt(policyFile(config));
    if (now === writtenAt) return false;
    const [read, loaded, known] = [
      readPolicy(config),
      await loadNeighbours(lake),
      await loadMargins(lake),
    ];
    [policy, neighbours, margins, writtenAt] = [read ?? UNLEARNED, loaded, known, now];
    return true;
  };
  await refresh();
  return {
    policy: () => policy,
    refresh,
    decide: (products) =>
      nextBestActions(
        { policy, neighbours, ledger },
        products.map((product) => ({
          ...product,
          margin: margins(product.keys.product_id, policy.defaultMargin),
        })),
      ),
  };
}

async function modifiedAt(file: string): Promise<number> {
  try {
    return (await Deno.stat(file)).mtime?.getTime() ?? 0;
  } catch {
    return 0;
  }
}
