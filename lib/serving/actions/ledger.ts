import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { hash } from "node:crypto";
import { dirname } from "node:path";
import type { RowKeys } from "../types.ts";
import type { Offer } from "./action.ts";

/** A discount that was given. */
export interface Grant {
  product: string;
  discount: number;
}

/** Keeps the guard rails: one discount a cart, and no more than the budget of a day. */
export interface DiscountLedger {
  /** What a cart was given before, or null. */
  granted(keys: RowKeys): Grant | null;
  /** Expected amount given away on the day of `at` (microseconds since 1970). */
  spent(at: bigint): number;
  /** Records a discount. */
  grant(keys: RowKeys, offer: Offer, at: bigint): void;
}

interface Entry extends Grant {
  cart: string;
  day: number;
  cost: number;
}

const DAY = 86_400_000_000n;
/** Carts remembered; the oldest are forgotten first. */
const MAX_CARTS = 200_000;

/**
 * A ledger that outlives the process when it has a file: a line a grant, carts as hashes.
 *
 * @param file null keeps it in memory only
 */
export function discountLedger(file: string | null): DiscountLedger {
  const carts = new Map<string, Grant>();
  const days = new Map<number, number>();
  const take = ({ cart, day, cost, product, discount }: Entry) => {
    carts.set(cart, { product, discount });
    if (carts.size > MAX_CARTS) carts.delete(carts.keys().next().value!);
    days.set(day, (days.get(day) ?? 0) + cost);
  };
  if (file !== null) {
    mkdirSync(dirname(file), { recursive: true });
    for (const entry of readEntries(file)) take(entry);
  }
  return {
    granted: (keys) => carts.get(cartName(keys)) ?? null,
    spent: (at) => days.get(Number(at / DAY)) ?? 0,
    grant(keys, { discount, cost }, at) {
      const entry: Entry = {
        cart: cartName(keys),
        product: String(keys.product_id),
        day: Number(at / DAY),
        discount,
        cost,
      };
      if (file !== null) appendFileSync(file, `${JSON.stringify(entry)}\n`);
      take(entry);
    },
  };
}

/** A line cut short by a kill is passed over: its answer was never sent. */
function* readEntries(file: string): Generator<Entry> {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  if (text !== "" && !text.endsWith("\n")) appendFileSync(file, "\n"); // the next line begins anew
  for (const line of text.split("\n")) {
    try {
      yield JSON.parse(line) as Entry;
    } catch {
      continue;
    }
  }
}

function cartName({ user_id, user_session }: RowKeys): string {
  return hash("sha256", `${user_id}|${user_session ?? ""}`, "base64url").slice(0, 22);
}
