import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { bestOffer, raised, shiftOf } from "../../lib/serving/actions/action.ts";
import { type Decision, nextBestActions } from "../../lib/serving/actions/decide.ts";
import { learnPolicy, responseOf, runTrial } from "../../lib/serving/actions/learn.ts";
import { discountLedger } from "../../lib/serving/actions/ledger.ts";
import type { Customers, Moments } from "../../lib/serving/actions/moments.ts";
import type { ActionPolicy } from "../../lib/serving/actions/policy.ts";
import { compareProfit, rulesOf } from "../../lib/serving/actions/profit.ts";
import { withHome } from "../support.ts";

const policy: ActionPolicy = {
  low: 0.05,
  high: 0.3,
  response: 6,
  levels: [0.05, 0.1],
  offerCost: 0.01,
  dailyBudget: 100,
  defaultMargin: 0.2,
  source: "test",
};
const neighbours = (product: bigint, relation: string) =>
  product === 404n ? [] : relation === "co_view" ? [11n, 12n, 13n, 14n, 15n] : [21n];
const AT = 1_612_180_800_000_000n;

function decision(changes: Partial<Decision> & { user?: bigint; product?: bigint }): Decision {
  const { user = 1n, product = 100n, ...rest } = changes;
  const keys = { user_id: user, user_session: "s", product_id: product };
  return { keys, at: AT, propensity: 0.1, price: 100, margin: 0.3, ...rest };
}

function decideOne(changes: Parameters<typeof decision>[0], ledger = discountLedger(null)) {
  return nextBestActions({ policy, neighbours, ledger }, [decision(changes)])[0]!;
}

Deno.test("an unlikely purchase gets alternatives, a likely one complements, one in between a discount", () => {
  const unlikely = decideOne({ propensity: 0.02 });
  assert.deepEqual([unlikely.kind, unlikely.products], ["alternatives", [11n, 12n, 13n, 14n]]);
  const between = decideOne({ propensity: 0.1 });
  assert.deepEqual([between.kind, between.discount], ["discount", 0.1]);
  const likely = decideOne({ propensity: 0.3 });
  assert.deepEqual([likely.kind, likely.discount, likely.products], ["complements", null, [21n]]);
  assert.equal(decideOne({ propensity: null }).kind, "complements");
  assert.equal(decideOne({ propensity: 0.02, product: 404n }).kind, "none");
});

Deno.test("a likely purchase never gets a discount, whatever price and margin", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(
    fc.double({ min: policy.high, max: 1, noNaN: true }),
    fc.double({ min: 0.01, max: 1e5, noNaN: true }),
    share,
    (propensity, price, margin) => {
      assert.notEqual(decideOne({ propensity, price, margin }).kind, "discount");
    },
  ));
});

Deno.test("a discount stays within the margin and is expected to pay", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(
    share,
    fc.double({ min: 0.01, max: 1e5, noNaN: true }),
    share,
    (propensity, price, margin) => {
      const offer = bestOffer(policy, propensity, price, margin);
      if (offer === null) return;
      const bought = raised(propensity, shiftOf(policy.response, offer.discount));
      assert.ok(offer.discount < margin);
      assert.ok(price * (margin - offer.discount) * bought > price * margin * propensity);
    },
  ));
});

Deno.test("a cart gets one discount, for the product that gains most, and keeps it", () => {
  const ledger = discountLedger(null);
  const decide = (decisions: Decision[]) =>
    nextBestActions({ policy, neighbours, ledger }, decisions);
  const first = decide([decision({ product: 1n, price: 50 }), decision({ product: 2n })]);
  assert.deepEqual(first.map(({ kind }) => kind), ["alternatives", "discount"]);
  assert.match(first[0]!.why, /had its one discount/);
  const again = decide([decision({ product: 2n }), decision({ product: 3n, price: 900 })]);
  assert.deepEqual(again.map(({ kind }) => kind), ["discount", "alternatives"]);
  const spent = ledger.spent(AT);
  decide([decision({ product: 2n })]);
  assert.equal(ledger.spent(AT), spent);
});

Deno.test("discounts end with the day's budget and begin again the next day", () => {
  const ledger = discountLedger(null);
  const kinds = Array.from(
    { length: 200 },
    (_, user) => decideOne({ user: BigInt(user), price: 1000 }, ledger).kind,
  );
  assert.ok(ledger.spent(AT) <= policy.dailyBudget);
  assert.equal(kinds[0], "discount");
  assert.equal(kinds.at(-1), "alternatives");
  const tomorrow = decideOne({ user: 999n, price: 1000, at: AT + 86_400_000_000n }, ledger);
  assert.equal(tomorrow.kind, "discount");
});

Deno.test("the guard rails outlive the process, and a line cut short", async () => {
  await withHome(async (home) => {
    const file = join(home, "serving", "discounts.jsonl");
    assert.equal(decideOne({}, discountLedger(file)).kind, "discount");
    await Deno.writeTextFile(file, '{"cart":"x","da', { append: true });
    const reopened = discountLedger(file);
    assert.match(decideOne({ product: 7n }, reopened).why, /had its one discount/);
    assert.ok(reopened.spent(AT) > 0);
    assert.equal(decideOne({ user: 2n }, reopened).kind, "discount");
    assert.match(
      decideOne({ user: 2n, product: 7n }, discountLedger(file)).why,
      /its one discount/,
    );
    const text = await Deno.readTextFile(file);
    assert.ok(!text.includes('"s"'), "carts are kept as hashes");
  });
});

/** Customers of one moment each, whose chance the model knows and who all answer alike. */
function madeShop(count: number, response: number): { moments: Moments; customers: Customers } {
  const at = (value: (i: number) => number) =>
    Float64Array.from({ length: count }, (_, i) => value(i));
  const numbers = Uint32Array.from({ length: count }, (_, i) => i);
  const chance = at((i) => 0.02 + (i % 50) / 100);
  return {
    moments: {
      count,
      cart: numbers,
      carts: count,
      item: numbers,
      items: count,
      propensity: chance,
      price: at(() => 100),
      margin: at((i) => 0.1 + (i % 7) * 0.04),
    },
    customers: { chance, response: at(() => response), itemChance: chance },
  };
}

Deno.test("a trial finds out what a discount does", () => {
  const { moments, customers } = madeShop(40_000, 5);
  const found = responseOf(runTrial(moments, customers, { seed: 3 }));
  assert.ok(found.low < 5 && 5 < found.high, JSON.stringify(found));
  assert.ok(found.high - found.low < 1);
  const none = madeShop(40_000, 0);
  const nothing = responseOf(runTrial(none.moments, none.customers, { seed: 3 }));
  assert.ok(nothing.low < 0 && 0 < nothing.high, JSON.stringify(nothing));
});

Deno.test("a trial whose scores are far off is told from by smaller steps", () => {
  const { moments, customers } = madeShop(20_000, 5);
  const trial = runTrial(moments, customers, { seed: 3 });
  const found = responseOf({ ...trial, propensity: trial.propensity.map((p) => raised(p, -8)) });
  assert.ok(found.low < 5 && 5 < found.high, JSON.stringify(found));
});

Deno.test("a trial without purchases tells nothing", () => {
  const { moments, customers } = madeShop(200, 5);
  const trial = runTrial(moments, customers);
  const found = responseOf({ ...trial, bought: trial.bought.map(() => 0) });
  assert.ok(!(found.low > 0), JSON.stringify(found));
});

Deno.test("the learned policy earns more than never, always and random discounts", () => {
  const { moments, customers } = madeShop(20_000, 5);
  const { policy } = learnPolicy(moments, runTrial(moments, customers, { seed: 2 }));
  const other = madeShop(5000, 5);
  const rows = compareProfit(
    other.moments,
    other.customers,
    rulesOf(other.moments, policy, { seed: 4 }),
    { offerCost: policy.offerCost, seed: 5 },
  );
  const of = (rule: string) => rows.find((row) => row.rule === rule)!;
  assert.equal(of("never").gain, 0);
  assert.ok(of("policy").gainLow > 0, JSON.stringify(rows));
  assert.ok(of("always").gainHigh < 0);
  assert.ok(of("random").gain < of("policy").gain);
  assert.ok(policy.high < 0.6, "what sells anyway is not discounted");
});

Deno.test("a discount that does nothing is never given", () => {
  const { moments, customers } = madeShop(20_000, 0);
  const { policy } = learnPolicy(moments, runTrial(moments, customers, { seed: 2 }));
  const rule = rulesOf(moments, policy)["policy"]!;
  assert.ok(policy.low > 0 && policy.high < 1, "alternatives and complements are still shown");
  assert.ok(moments.propensity.every((_, i) => rule(i) === 0));
});
