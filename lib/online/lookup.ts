import { parseTime } from "clickstream/events";
import { inferenceTable, type KeyColumn, metricSets } from "clickstream/metrics";
import {
  documentId,
  featuresOf,
  type OnlineDocument,
  PRODUCT_ATTRIBUTES_TABLE,
} from "./documents.ts";
import { readDocuments } from "./read.ts";
import { containerOf, type OnlineStore, statusOf } from "./store.ts";

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
 * Looks features up: the six sets in parallel, each distinct document once, by point reads for a few
 * rows and by queries of many ids for more. Missing documents give nulls and are marked in `found`.
 *
 * @param signal gives up what is under way
 * @throws {OnlineStoreError} when the store cannot be read
 */
export async function lookUpFeatures(
  store: OnlineStore,
  keys: readonly LookUpKeys[],
  signal?: AbortSignal,
): Promise<LookedUp[]> {
  const ids = lookUpSets.map((set) => keys.map((key) => idOf(set.keys, key)));
  const documents = await Promise.all(lookUpSets.map(({ table }, i) => {
    const known = ids[i]!.filter((id) => id !== null);
    return readDocuments(containerOf(store, table), known, signal).catch(noneWithoutContainer);
  }));
  return keys.map((_, row) => assemble(documents.map((found, i) => found.get(ids[i]![row] ?? ""))));
}

/** Id of the document that a set has for these keys; null without a session where one is needed. */
function idOf(columns: readonly KeyColumn[], key: LookUpKeys): string | null {
  const parts = columns.map((column) => key[column]);
  return parts.includes(null) ? null : documentId(parts as (bigint | string)[]);
}

/** A container that is not there has no documents. */
function noneWithoutContainer(error: Error): Map<string, OnlineDocument> {
  if (statusOf(error) === 404) return new Map();
  throw error;
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
