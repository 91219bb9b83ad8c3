import type { Container } from "@azure/cosmos";
import type { OnlineDocument } from "./documents.ts";
import { containerOf, type OnlineStore, storeError } from "./store.ts";

/** More ids than this are read by queries: a query costs the service as much as a few reads. */
const MOST_POINT_READS = 4;
/** Ids of a query at most. */
const QUERY_IDS = 500;

/** A document as it is stored, with what the service adds. */
export type StoredDocument = OnlineDocument & { _etag: string };

/**
 * Reads documents by id, those that are there: by point reads for a few, by queries of many ids for
 * more.
 *
 * @param signal gives up what is under way
 * @throws {OnlineStoreError} when the store cannot be read; by code 404 when a query finds no container
 */
export async function readDocuments(
  container: Container,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, StoredDocument>> {
  const distinct = [...new Set(ids)];
  const parts = distinct.length > MOST_POINT_READS
    ? chunksOf(distinct, QUERY_IDS).map((part) => queryDocuments(container, part, signal))
    : distinct.map(async (id) => [await pointRead(container, id, signal)]);
  const found = (await Promise.all(parts)).flat().filter((document) => document !== undefined);
  return new Map(found.map((document) => [document.id, document]));
}

/**
 * Reads one document; undefined when there is none.
 *
 * @throws {OnlineStoreError} when the store cannot be read
 */
export async function readDocument(
  store: OnlineStore,
  table: string,
  id: string,
): Promise<StoredDocument | undefined> {
  return await pointRead(containerOf(store, table), id);
}

/** Parts of at most so many items, in order. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}

async function queryDocuments(
  container: Container,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<StoredDocument[]> {
  const query = `select * from c where c.id in (${ids.map((_, i) => `@id${i}`).join(", ")})`;
  const parameters = ids.map((value, i) => ({ name: `@id${i}`, value }));
  // A page that is not full is the last one.
  const options = { maxItemCount: ids.length + 1, ...abortedBy(signal) };
  try {
    const { resources } = await container.items
      .query<StoredDocument>({ query, parameters }, options).fetchAll();
    return resources;
  } catch (error) {
    throw storeError(`read ${ids.length} documents of ${container.id}`, error);
  }
}

async function pointRead(
  container: Container,
  id: string,
  signal?: AbortSignal,
): Promise<StoredDocument | undefined> {
  try {
    const { resource } = await container.item(id, id).read<StoredDocument>(abortedBy(signal));
    return resource;
  } catch (error) {
    throw storeError(`read ${id} of ${container.id}`, error);
  }
}

function abortedBy(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
