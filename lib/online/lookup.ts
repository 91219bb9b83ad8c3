import { parseTime } from "clickstream/events";
import { inferenceTable, type KeyColumn, metricSets } from "clickstream/metrics";
import {
  documentId,
  featuresOf,
  type OnlineDocument,
  PRODUCT_ATTRIBUTES_TABLE,
} from "./documents.ts";
import { containerOf, type OnlineStore, storeError } from "./store.ts";

/** What a prediction is asked for: one product in one cart. */
export interface LookUpKeys {
  user_id: bigint;
  /** Null: no session, so no cart features. */
  user_session: string | null;
  product_id: bigint;
}

/** The features served for one {@link LookUpKeys}. */
export interface LookedUp {
  /** `cart__events`, …, and the product's `price`, `category_code`, `brand`; null where unknown. */
  features: Record<string, number | string | null>;
  /** Whether a document was there, by feature set (`product_attributes` among them). */
  found: Record<string, boolean>;
  /** The time as of which the values hold, in microseconds since 1970, by feature set; null when not found. */
  eventTimes: Record<string, number | null>;
  /** Whether the product was already bought in that cart. */
  alreadyPurchased: boolean;
}

const ATTRIBUTES = "product_attributes";

/** Feature sets that a look-up reads, with the columns of their keys. */
export const lookUpSets: readonly { name: string; table: string; keys: readonly KeyColumn[] }[] = [
  ...metricSets.map((set) => ({ name: set.name, table: inferenceTable(set), keys: set.keys })),
  { name: ATTRIBUTES, table: PRODUCT_ATTRIBUTES_TABLE, keys: ["product_id"] },
];

/**
 * Looks features up, six point reads in parallel for each distinct key. Missing documents give
 * nulls and are marked in `found`.
 *
 * @throws {OnlineStoreError} when the store cannot be read
 */
export async function lookUpFeatures(
  store: OnlineStore,
  keys: readonly LookUpKeys[],
): Promise<LookedUp[]> {
  const reads = new Map<string, Promise<OnlineDocument | undefined>>();
  const readOnce = (table: string, id: string) => {
    const name = `${table}/${id}`;
    const known = reads.get(name);
    if (known) return known;
    const reading = readDocument(store, table, id);
    reads.set(name, reading);
    return reading;
  };
  return await Promise.all(keys.map(async (key) => {
    const documents = await Promise.all(lookUpSets.map((set) => {
      const parts = set.keys.map((column) => key[column]);
      return parts.includes(null)
        ? Promise.resolve(undefined)
        : readOnce(set.table, documentId(parts as (bigint | string)[]));
    }));
    return assemble(documents);
  }));
}

/** Reads one document; undefined when there is none. */
export async function readDocument(
  store: OnlineStore,
  table: string,
  id: string,
): Promise<OnlineDocument | undefined> {
  try {
    const { resource } = await containerOf(store, table).item(id, id).read<OnlineDocument>();
    return resource;
  } catch (error) {
    throw storeError(`read ${id} of ${table}`, error);
  }
}

function assemble(documents: (OnlineDocument | undefined)[]): LookedUp {
  const found: Record<string, boolean> = {};
  const eventTimes: Record<string, number | null> = {};
  lookUpSets.forEach((set, i) => {
    found[set.name] = documents[i] !== undefined;
    const time = documents[i]?.["event_time"];
    eventTimes[set.name] = typeof time === "string" ? Number(parseTime(time)) : null;
  });
  const attributes = documents[lookUpSets.findIndex((set) => set.name === ATTRIBUTES)];
  const features = Object.assign(
    {},
    ...metricSets.map((set, i) => featuresOf(set, documents[i])),
    {
      price: attributes?.["price"] ?? null,
      category_code: attributes?.["category_code"] ?? null,
      brand: attributes?.["brand"] ?? null,
    },
  ) as LookedUp["features"];
  const alreadyPurchased = Number(features["cart_product__purchases"] ?? 0) > 0;
  return { features, found, eventTimes, alreadyPurchased };
}
