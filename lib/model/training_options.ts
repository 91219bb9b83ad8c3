import type { Backend } from "./backend.ts";
import type { PreprocessingOptions } from "./features/preprocessing.ts";
import type { NetworkParameters } from "./network/network.ts";
import type { Epoch } from "./network/train.ts";
import type { Roles } from "./parts.ts";
import { CART_KEYS } from "./split.ts";

/** Training rows used unless told otherwise: 250,000 take about 30 s on WASM. */
export const MOST_ROWS = 250_000;

/** Options of {@link trainPropensity}. */
export interface TrainingOptions {
  /** The column of 0 and 1 to predict. @default label */
  label?: string;
  /** Columns that name a row and are no features. @default user_id, user_session, product_id */
  keys?: readonly string[];
  /** The columns of the cart key, used to split and to thin. @default user_id, user_session */
  cartKeys?: readonly string[];
  /** Further columns to leave out. @default none */
  drop?: readonly string[];
  /** The column of the simplest baseline. @default event_type */
  eventType?: string;
  /** Same seed, rows and backend: same model. @default 1 */
  seed?: number;
  /** @default DEFAULT_PARAMETERS for each one left out */
  parameters?: Partial<NetworkParameters>;
  preprocessing?: PreprocessingOptions;
  /** Training rows used at most; whole carts are left out at random, and the model says so. @default 250000 */
  maxTrainRows?: number;
  /** How log odds become probabilities, fitted on validation rows. @default platt */
  calibration?: "platt" | "isotonic" | "none";
  /** Train the logistic regression baseline too. @default true */
  baselines?: boolean;
  /** @default what {@link loadBackend} takes */
  backend?: Backend;
  /** Called after every pass over the rows. */
  onEpoch?: (epoch: Epoch) => boolean | void | Promise<boolean | void>;
}

/** The columns' roles that options name, defaults filled in. */
export function rolesOf(
  options: Pick<TrainingOptions, "label" | "keys" | "cartKeys" | "drop">,
): Roles {
  return {
    label: options.label ?? "label",
    keys: options.keys ?? ["user_id", "user_session", "product_id"],
    cartKeys: options.cartKeys ?? CART_KEYS,
    drop: options.drop ?? [],
  };
}
