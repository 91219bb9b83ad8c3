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

/** More ids than this of one container are read by queries: a query costs as much as two reads. */
const MOST_POINT_READS = 4;
/** Ids of a query at most. */
const QUERY_IDS = 100;

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
    return readDocuments(store, table, known, signal);
  }));
  return keys.map((_, row) => assemble(documents.map((found, i) => found.get(ids[i]![row] ?? ""))));
}

/** Id of the document that a set has for these keys; null without a session where one is needed. */
function idOf(columns: readonly KeyColumn[], key: LookUpKeys): string | null {
  const parts = columns.map((column) => key[column]);
  return parts.includes(null) ? null : documentId(parts as (bigint | string)[]);
}

/** Reads documents by id, those that are there. */
export async function readDocuments(
  store: OnlineStore,
  table: string,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, OnlineDocument>> {
  const distinct = [...new Set(ids)];
  const parts = distinct.length > MOST_POINT_READS
    ? chunksOf(distinct, QUERY_IDS).map((part) => queryDocuments(store, table, part, signal))
    : distinct.map(async (id) => [await readDocument(store, table, id, signal)]);
  const found = (await Promise.all(parts)).flat().filter((document) => document !== undefined);
  return new Map(found.map((document) => [document.id, document]));
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}

async function queryDocuments(
  store: OnlineStore,
  table: string,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<OnlineDocument[]> {
  const query = `select * from c where c.id in (${ids.map((_, i) => `@id${i}`).join(", ")})`;
  const parameters = ids.map((value, i) => ({ name: `@id${i}`, value }));
  try {
    const { resources } = await containerOf(store, table).items
      .query<OnlineDocument>({ query, parameters }, abortedBy(signal)).fetchAll();
    return resources;
  } catch (error) {
    if ((error as { code?: number }).code === 404) return []; // no container, as a point read has it
    throw storeError(`read ${ids.length} documents of ${table}`, error);
  }
}

/** Reads one document; undefined when there is none. */
export async function readDocument(
  store: OnlineStore,
  table: string,
  id: string,
  signal?: AbortSignal,
): Promise<OnlineDocument | undefined> {
  try {
    const item = containerOf(store, table).item(id, id);
    const { resource } = await item.read<OnlineDocument>(abortedBy(signal));
    return resource;
  } catch (error) {
    throw storeError(`read ${id} of ${table}`, error);
  }
}

function abortedBy(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
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
