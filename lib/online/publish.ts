import type { Container, OperationInput, OperationResponse } from "@azure/cosmos";
import { pause } from "clickstream/config";
import type { OnlineDocument } from "./documents.ts";
import { storeError } from "./store.ts";

/** Most operations that one bulk request may carry (a limit of the service). */
const BULK_LIMIT = 100;
/** Bulk requests in flight: enough to keep a store on another core busy. */
const CONCURRENCY = 8;
const MAX_ROUNDS = 40;

/** A document to write, with what is known of the stored one. */
export interface Publication {
  document: OnlineDocument;
  /** ETag of the stored document, when this process wrote or read it last. */
  etag?: string;
  /** Whether a stored document is likely, when its ETag is not known. */
  mayExist?: boolean;
}

/** What became of a {@link Publication}: its new ETag, or null when the stored document is newer. */
export type Published = string | null;

/**
 * Writes documents, each only where its version is not smaller than the stored one's. Concurrent
 * writers of one key cannot pass each other: a replace names the ETag it has seen.
 *
 * @returns the outcome of each publication, in the same order
 * @throws {OnlineStoreError} when the store refuses or stays unreachable
 */
export async function publishDocuments(
  container: Container,
  publications: readonly Publication[],
): Promise<Published[]> {
  const outcomes = new Array<Published>(publications.length).fill(null);
  let pending = publications.map((publication, index) => ({
    index,
    document: publication.document,
    next: firstOperation(publication),
  }));
  for (let round = 0; pending.length > 0; round++) {
    if (round === MAX_ROUNDS) {
      throw storeError(`settle ${pending.length} documents`, "other writers keep changing them");
    }
    const responses = await bulk(container, pending.map((p) => p.next));
    const retry: typeof pending = [];
    pending.forEach((item, i) => {
      const settled = settle(item.document, item.next, responses[i]!);
      if ("next" in settled) retry.push({ ...item, next: settled.next });
      else outcomes[item.index] = settled.outcome;
    });
    if (responses.some((r) => r.statusCode === 429)) await backOff(round);
    pending = retry;
  }
  return outcomes;
}

/** Writes documents over whatever is stored: for filling a container that nobody else writes to. */
export async function overwriteDocuments(
  container: Container,
  documents: readonly OnlineDocument[],
): Promise<void> {
  await untilAccepted(
    container,
    documents.map((document) => ({
      operationType: "Upsert",
      partitionKey: document.id,
      resourceBody: document,
    })),
    [200, 201],
  );
}

/** Deletes documents by id; absent ones are fine. */
export async function deleteDocuments(
  container: Container,
  ids: readonly string[],
): Promise<void> {
  await untilAccepted(
    container,
    ids.map((id) => ({ operationType: "Delete", partitionKey: id, id })),
    [204, 404],
  );
}

async function untilAccepted(
  container: Container,
  operations: OperationInput[],
  accepted: number[],
): Promise<void> {
  let pending = operations;
  for (let round = 0; pending.length > 0; round++) {
    const responses = await bulk(container, pending, false); // nobody reads the answers' documents
    const refused = responses.find((r) => !accepted.includes(r.statusCode) && r.statusCode !== 429);
    if (refused) throw storeError("write in bulk", `status ${refused.statusCode}`);
    pending = pending.filter((_, i) => responses[i]!.statusCode === 429);
    if (pending.length > 0) await backOff(round);
  }
}

function firstOperation({ document, etag, mayExist }: Publication): OperationInput {
  if (etag !== undefined) return replace(document, etag);
  return mayExist ? read(document) : create(document);
}

/** Decides what follows from a response: done, or the next operation. */
function settle(
  document: OnlineDocument,
  operation: OperationInput,
  response: OperationResponse,
): { outcome: Published } | { next: OperationInput } {
  const { statusCode, eTag, resourceBody } = response;
  if (statusCode === 429) return { next: operation };
  if (operation.operationType === "Read" && statusCode === 200) {
    const stored = resourceBody as unknown as OnlineDocument & { _etag: string };
    return stored.version > document.version
      ? { outcome: null }
      : { next: replace(document, eTag ?? stored._etag) };
  }
  if (statusCode === 200 || statusCode === 201) return { outcome: eTag ?? "" };
  if (statusCode === 404) return { next: create(document) };
  if (statusCode === 409 || statusCode === 412) return { next: read(document) };
  throw storeError(`write document ${document.id}`, `status ${statusCode}`);
}

const create = (document: OnlineDocument): OperationInput => ({
  operationType: "Create",
  partitionKey: document.id,
  resourceBody: document,
});
const read = (document: OnlineDocument): OperationInput => ({
  operationType: "Read",
  partitionKey: document.id,
  id: document.id,
});
const replace = (document: OnlineDocument, etag: string): OperationInput => ({
  operationType: "Replace",
  partitionKey: document.id,
  id: document.id,
  resourceBody: document,
  ifMatch: etag,
});

/** Sends operations in requests of at most {@link BULK_LIMIT}, several at a time, order kept. */
async function bulk(
  container: Container,
  operations: OperationInput[],
  contentResponseOnWriteEnabled = true,
): Promise<OperationResponse[]> {
  const responses: OperationResponse[] = new Array(operations.length);
  let next = 0;
  const worker = async () => {
    while (next < operations.length) {
      const from = next;
      next += BULK_LIMIT;
      const part = await container.items.bulk(
        operations.slice(from, from + BULK_LIMIT),
        undefined,
        { contentResponseOnWriteEnabled },
      );
      part.forEach((response, i) => responses[from + i] = response);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  } catch (error) {
    throw storeError(`write to ${container.id}`, error);
  }
  return responses;
}

/** Waits longer each time the service asked for less. */
function backOff(round: number): Promise<void> {
  return pause(Math.min(50 * 2 ** round, 5000));
}
