import type { Browsing } from "./browsing.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Choices } from "./choices.ts";
import type { SessionNames } from "./sessions.ts";
import type { Visits } from "./visits.ts";

/** What a user of median sensitivity gains in log-odds per unit of -ln(1 - discount). */
export const DISCOUNT_RESPONSE = 4;

const FIRST_USER = 1515915625_000000000n;

/**
 * Writes what was behind every session-product as parquet:
 * user_id, user_session, product_id; price; margin (share of the price); intent; appeal;
 * price_sensitivity; cart_probability; completion_probability (of a purchase given a cart);
 * direct_probability (of a purchase given none); purchase_probability (of any purchase);
 * discount_response (a discount d raises the log-odds of each of the three by
 * discount_response * -ln(1 - d)); carted, bought (what was then drawn).
 */
export async function writeTruth(
  file: string,
  catalogue: Catalogue,
  visits: Visits,
  browsing: Browsing,
  choices: Choices,
  names: SessionNames,
): Promise<void> {
  const { default: pl } = await import("nodejs-polars");
  const { count, product, session } = browsing;
  const numbers = (value: (i: number) => number) => {
    const column = new Float64Array(count);
    for (let i = 0; i < count; i++) column[i] = value(i);
    return column;
  };
  const ids = (value: (i: number) => bigint) => {
    const column = new BigInt64Array(count);
    for (let i = 0; i < count; i++) column[i] = value(i);
    return column;
  };
  const sensitivity = (i: number) => visits.sensitivity[visits.user[session[i]!]!]!;
  const frame = pl.DataFrame({
    user_id: ids((i) => FIRST_USER + BigInt(visits.userDigits[visits.user[session[i]!]!]!)),
    user_session: sessionTexts(browsing, names),
    product_id: ids((i) => BigInt(catalogue.id[product[i]!]!)),
    price: numbers((i) => catalogue.price[product[i]!]!),
    margin: numbers((i) => catalogue.margin[product[i]!]!),
    intent: numbers((i) => browsing.intent[session[i]!]!),
    appeal: numbers((i) => catalogue.appeal[product[i]!]!),
    price_sensitivity: numbers(sensitivity),
    cart_probability: choices.cart.map((p) => p),
    completion_probability: choices.completion.map((p) => p),
    direct_probability: choices.direct.map((p) => p),
    purchase_probability: numbers((i) => purchaseChance(choices, i)),
    discount_response: numbers((i) => DISCOUNT_RESPONSE * sensitivity(i)),
    carted: numbers((i) => choices.carted[i]!),
    bought: numbers((i) => choices.bought[i]!),
  });
  frame.writeParquet(file);
}

function purchaseChance({ cart, completion, direct }: Choices, i: number): number {
  return cart[i]! * completion[i]! + (1 - cart[i]!) * direct[i]!;
}

function sessionTexts({ session, first }: Browsing, names: SessionNames): string[] {
  const texts: string[] = new Array(session.length);
  for (let s = 0; s + 1 < first.length; s++) {
    const text = names.text(s);
    for (let i = first[s]!; i < first[s + 1]!; i++) texts[i] = text;
  }
  return texts;
}
