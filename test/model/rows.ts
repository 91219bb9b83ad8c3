import pl from "nodejs-polars";
import { createRandom, type Random } from "../../lib/model/random.ts";

/** Made training rows with the true probability of each, so that the best possible score is known. */
export interface MadeRows {
  frame: pl.DataFrame;
  /** P(label = 1) given the visible columns. */
  truth: Float64Array;
  labels: Float64Array;
}

const METRICS = [
  ...["events", "views", "carts", "purchases", "views_to_events", "carts_to_events"],
  ...["purchases_to_events", "carts_to_views", "purchases_to_views", "purchases_to_carts"],
];
const SETS = ["cart", "cart_product", "user", "product", "user_product"];
const CATEGORIES = Array.from({ length: 40 }, (_, i) => `electronics.kind_${i}`);
const BRANDS = Array.from({ length: 120 }, (_, i) => `brand_${i}`);
const START = Date.UTC(2020, 8, 24) * 1000;
const SPAN = 130 * 86_400_000_000;

interface Counts {
  views: number;
  carts: number;
  purchases: number;
}

/**
 * Rows in the shape of the project's training rows: sessions of a shop whose purchases follow a
 * logistic rule of what can be seen (cart, product history, price against category, hour), with an
 * interaction that a linear model misses.
 */
export function makeRows(rows: number, seed: number, positiveShift = 0): MadeRows {
  const random = createRandom(seed);
  const columns = new Map<string, (number | null)[]>();
  for (const set of SETS) for (const metric of METRICS) columns.set(`${set}__${metric}`, []);
  const text = { event_type: [] as string[], category_code: [] as (string | null)[] };
  const brand: (string | null)[] = [];
  const keys = { user: [] as string[], session: [] as string[], product: [] as string[] };
  const price: (number | null)[] = [];
  const times: number[] = [];
  const truth = new Float64Array(rows);
  const labels = new Float64Array(rows);
  for (let i = 0; i < rows;) {
    const cart = nextCart(random);
    for (let event = 0; event < cart.events && i < rows; event++, i++) {
      const row = nextEvent(random, cart, event);
      SETS.forEach((set, s) => push(columns, set, row.counts[s]!));
      text.event_type.push(row.type);
      text.category_code.push(row.category < 0 ? null : CATEGORIES[row.category]!);
      brand.push(random.next() < 0.24 ? null : BRANDS[random.integer(BRANDS.length)]!);
      keys.user.push(cart.user);
      keys.session.push(cart.session);
      keys.product.push(String(1_000_000 + row.product));
      price.push(row.price);
      times.push(row.time);
      truth[i] = 1 / (1 + Math.exp(-(row.logit + positiveShift)));
      labels[i] = random.next() < truth[i]! ? 1 : 0;
    }
  }
  const frame = pl.DataFrame({
    user_id: pl.Series("user_id", keys.user).cast(pl.Int64),
    user_session: keys.session,
    product_id: pl.Series("product_id", keys.product).cast(pl.Int64),
    event_time: pl.Series("event_time", times, pl.Float64).cast(pl.Int64).cast(pl.Datetime("us")),
    event_type: text.event_type,
    ...Object.fromEntries([...columns].map(([name, values]) => [name, series(name, values)])),
    price: pl.Series("price", price, pl.Float64),
    category_code: text.category_code,
    brand,
    label: pl.Series("label", [...labels], pl.Float64).cast(pl.Int64),
  });
  return { frame, truth, labels };
}

function series(name: string, values: (number | null)[]) {
  const made = pl.Series(name, values, pl.Float64);
  return name.includes("_to_") ? made : made.cast(pl.Int64);
}

function nextCart(random: Random) {
  const user = random.integer(400_000);
  return {
    user: String(1515915625353900095n + BigInt(user)),
    session: Math.floor(random.next() * 36 ** 8).toString(36),
    events: 1 + Math.floor(-Math.log(1 - random.next()) * 2),
    start: START + random.next() * SPAN,
    seen: { views: 0, carts: 0, purchases: 0 } as Counts,
    bought: random.next() < 0.1 ? 1 + random.integer(3) : 0,
    visits: Math.floor(-Math.log(1 - random.next()) * 3),
  };
}

function nextEvent(random: Random, cart: ReturnType<typeof nextCart>, event: number) {
  const product = Math.floor(random.next() ** 2 * 5000);
  const appeal = Math.sin(product * 12.9898) * 1.2;
  const category = product % 10 < 3 ? -1 : product % CATEGORIES.length;
  const relative = random.normal() * 0.6;
  const price = Math.exp(4 + (category < 0 ? 0 : (category % 7) * 0.3) + relative);
  const isCart = random.next() < 0.12;
  cart.seen[isCart ? "carts" : "views"]++;
  const time = Math.round(cart.start + event * 60e6 * (1 + random.next()));
  const hour = (time / 3.6e9) % 24;
  const sales = Math.floor(Math.max(0, 40 * Math.exp(appeal) * random.next()));
  const history = {
    views: 30 + random.integer(800),
    carts: sales + random.integer(9),
    purchases: sales,
  };
  const known = random.next() < 0.9;
  const logit = -3.7 + (isCart ? 1.9 : 0) + 0.5 * cart.seen.carts +
    (known ? 9 * history.purchases / history.views : 0.4) - 0.7 * relative * (isCart ? 1.5 : -0.3) +
    (cart.bought > 0 ? 0.6 : 0) + 0.4 * Math.cos((hour - 11) * Math.PI / 12) -
    (category >= 0 && category % 3 === 0 ? 0.8 : 0);
  const counts: (Counts | null)[] = [
    { ...cart.seen },
    { views: isCart ? 0 : 1, carts: isCart ? 1 : 0, purchases: 0 },
    cart.visits === 0 ? null : { views: cart.visits, carts: cart.bought, purchases: cart.bought },
    known ? history : null,
    null,
  ];
  const type = isCart ? "cart" : "view";
  return { product, category, price, time, counts, logit, type };
}

function push(columns: Map<string, (number | null)[]>, set: string, counts: Counts | null): void {
  const ratio = (a: number, b: number) => b === 0 ? null : a / b;
  const { views, carts, purchases } = counts ?? { views: 0, carts: 0, purchases: 0 };
  const events = views + carts + purchases;
  const values = counts === null ? METRICS.map(() => null) : [
    ...[events, views, carts, purchases, ratio(views, events), ratio(carts, events)],
    ...[ratio(purchases, events), ratio(carts, views), ratio(purchases, views)],
    ratio(purchases, carts),
  ];
  METRICS.forEach((metric, i) => columns.get(`${set}__${metric}`)!.push(values[i]!));
}
