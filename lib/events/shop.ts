import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pl from "nodejs-polars";

/** What to generate. */
export interface ShopOptions {
  /** Number of events. */
  events: number;
  /** The same seed gives the same file. */
  seed: number;
  /** Folder to write to; it is made when absent. */
  directory: string;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What was generated. */
export interface Shop {
  /** CSV file of events, in the order of time. */
  file: string;
  /** Parquet file of what was behind them; never for features. */
  truth: string;
  events: number;
}

/** Generates a synthetic shop. */
export function generateShop(options: ShopOptions): Promise<Shop> {
  mkdirSync(options.directory, { recursive: true });
  const random = makeRandom(options.seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const [start, end] = [1600948626, 1614556749];
  const products = Array.from({ length: Math.ceil(options.events / 17) }, (_, i) => ({
    id: 1000000 + i * 37,
    category: i % 5 === 0 ? "" : ["electronics.telephone", "computers.notebook"][i % 2]!,
    brand: i % 4 === 0 ? "" : ["msi", "asus", "canon"][i % 3]!,
    price: Math.exp(4.1 + 1.4 * normal()),
  }));
  const rows: { time: number; line: string }[] = [];
  const truth: Record<string, unknown[]> = { user_session: [], product_id: [], intent: [] };
  for (let user = 0; rows.length < options.events; user++) {
    const sessions = random() < 0.1 ? 3 : 1;
    for (let k = 0; k < sessions; k++) {
      const intent = normal();
      let time = start + random() * (end - start - 90000);
      const name = Array.from(
        { length: 10 },
        () => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[Math.floor(random() * 52)],
      ).join("");
      for (let again = true; again; again = random() < 0.25 + 0.05 * intent) {
        const product = products[Math.floor(products.length * random() ** 2)]!;
        truth["user_session"]!.push(name);
        truth["product_id"]!.push(BigInt(product.id));
        truth["intent"]!.push(intent);
        const emit = (type: string) => {
          const when = new Date(Math.floor(time) * 1000).toISOString();
          const line = `${when.slice(0, 10)} ${when.slice(11, 19)} UTC,${type},${product.id},` +
            `2144415922528452715,${product.category},${product.brand},${product.price.toFixed(2)},${
              1515915625353226922n + BigInt(user * 311)
            },${name}\n`;
          rows.push({ time: Math.floor(time), line });
          time += 5 - 60 * Math.log(1 - random());
        };
        emit("view");
        if (random() > 1 / (1 + Math.exp(-2.7 + intent))) {
          emit("cart");
          if (random() > 1 / (1 + Math.exp(0.2 + 0.5 * intent))) emit("purchase");
        }
      }
    }
  }
  rows.length = options.events;
  rows.sort((a, b) => a.time - b.time);
  const file = join(options.directory, `synthetic-${options.events}-${options.seed}.csv`);
  const header =
    "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n";
  writeFileSync(`${file}.part`, header + rows.map((row) => row.line).join(""));
  const truthFile = file.replace(/\.csv$/, ".truth.parquet");
  pl.DataFrame(truth).writeParquet(truthFile);
  renameSync(`${file}.part`, file);
  return Promise.resolve({ file, truth: truthFile, events: options.events });
}

function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
