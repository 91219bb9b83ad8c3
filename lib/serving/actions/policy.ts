import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Config, ConfigError, writeWhole } from "clickstream/config";

const share = z.number().min(0).max(1);

const policySchema = z.object({
  /** Below this propensity: alternatives. */
  low: share,
  /** At and above it: complements, never a discount. */
  high: share,
  /** What a unit of -ln(1 - discount) adds to the log odds of a purchase, as a trial showed. */
  response: z.number().min(0),
  /** Discounts that may be given, as shares of the price; none before there was a trial. */
  levels: z.array(z.number().gt(0).lt(1)),
  /** What showing an offer costs, in the shop's currency. */
  offerCost: z.number().min(0),
  /** Expected amount given away in a day of the stream's time at most, in the shop's currency. */
  dailyBudget: z.number().min(0),
  /** Margin of a product whose margin is not known, as a share of the price. */
  defaultMargin: share,
  /** Where these numbers come from, in words. */
  source: z.string(),
});

/** When a shop does what; see {@link learnPolicy}. */
export type ActionPolicy = z.infer<typeof policySchema>;

/** A policy without discounts: what they do is not known before a trial. */
export function cautiousPolicy(low: number, high: number): ActionPolicy {
  return {
    low,
    high: Math.max(low, high),
    response: 0,
    levels: [],
    offerCost: 0,
    dailyBudget: 0,
    defaultMargin: 0.2,
    source: "thresholds of the model; no trial of discounts, so none are given",
  };
}

/** Until 2d has learned one: alternatives below 5 %, complements from 20 %, no discounts. */
export const UNLEARNED: ActionPolicy = cautiousPolicy(0.05, 0.2);

/** File of the policy that a home's server follows. */
export function policyFile(config: Pick<Config, "home">): string {
  return join(config.home, "serving", "policy.json");
}

/** Writes the policy; a running server follows it within a second. */
export function savePolicy(config: Pick<Config, "home">, policy: ActionPolicy): void {
  writeWhole(policyFile(config), JSON.stringify(policy, null, 2));
}

/**
 * Reads the policy of a home; null when there is none.
 *
 * @throws {ConfigError} the file holds something else
 */
export function readPolicy(config: Pick<Config, "home">): ActionPolicy | null {
  const file = policyFile(config);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return policySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ConfigError(`${file} is no action policy: delete it and run 2d_deploy_model.`, {
      cause,
    });
  }
}
