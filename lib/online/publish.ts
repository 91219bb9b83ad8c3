import type { Container, OperationInput, OperationResponse } from "@azure/cosmos";
import { backOff } from "clickstream/config";
import { bulk, perform, pooled } from "./bulk.ts";
import type { OnlineDocument } from "./documents.ts";
import { chunksOf, type StoredDocument } from "./read.ts";
import { storeError } from "./store.ts";

const MAX_ROUNDS = 40;
/** First pause of a service that is too busy. */
const BUSY_MILLIS = 50;
/** Documents that go through their rounds together, and how many groups do so at a time. */
const GROUP = 500;
const GROUPS = 4;

/** A document to write, with what is known of the stored one. */
export interface Publication {
  document: OnlineDocument;
  /** ETag of the stored document, when this process wrote or read it last. */
  etag?: string;
  /** Whether a stored document is likely, when its ETag is not known. */
  mayExist?: boolean;
  /** Whether a stored document of the same version stays. @default it is replaced */
  yieldsTo?: (stored: OnlineDocument) => boolean;
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
  return await inGroups(publications, (group) =>
    settleAll(
      container,
      group.map(firstOperation),
      (i, operation, response) => settlePublication(group[i]!, operation, response),
    ));
}

/** A document to delete, with what is known of the stored one. */
export interface Withdrawal {
  id: string;
  /** A stored document with a greater version stays. */
  version: number;
  /** ETag of the stored document, when this process wrote it last. */
  etag?: string;
}

/**
 * Deletes documents, each only where the stored version is not greater: a writer that fell behind
 * does not take away what another one wrote since. Absent documents are fine.
 *
 * @throws {OnlineStoreError} when the store refuses or stays unreachable
 */
export async function withdrawDocuments(
  container: Container,
  withdrawals: readonly Withdrawal[],
): Promise<void> {
  await inGroups(withdrawals, (group) =>
    settleAll(
      container,
      group.map(({ id, etag }) => etag === undefined ? read(id) : remove(id, etag)),
      (i, operation, response) => settleWithdrawal(group[i]!, operation, response),
    ));
}

async function inGroups<D, T>(
  documents: readonly D[],
  work: (group: readonly D[]) => Promise<T[]>,
): Promise<T[]> {
  return (await pooled(chunksOf(documents, GROUP), GROUPS, work)).flat();
}

/** What follows from a response: done, or the next operation. */
type Step<T> = { outcome: T } | { next: OperationInput };

/** Works each operation and those that follow from its responses, all of a round together. */
async function settleAll<T>(
  container: Container,
  firsts: readonly OperationInput[],
  settle: (index: number, operation: OperationInput, response: OperationResponse) => Step<T>,
): Promise<T[]> {
  const outcomes = new Array<T>(firsts.length);
  let pending = firsts.map((next, index) => ({ index, next }));
  for (let round = 0; pending.length > 0; round++) {
    if (round === MAX_ROUNDS) {
      throw storeError(`settle ${pending.length} documents`, "other writers keep changing them");
    }
    const responses = await perform(container, pending.map((p) => p.next));
    const retry: typeof pending = [];
    pending.forEach(({ index, next }, i) => {
      const response = responses[i]!;
      const step = response.statusCode === 429 ? { next } : settle(index, next, response);
      if ("next" in step) retry.push({ index, next: step.next });
      else outcomes[index] = step.outcome;
    });
    if (responses.some((r) => r.statusCode === 429)) await backOff(round, BUSY_MILLIS);
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
    const responses = await bulk(container, pending);
    const refused = responses.find((r) => !accepted.includes(r.statusCode) && r.statusCode !== 429);
    if (refused) throw storeError("write in bulk", `status ${refused.statusCode}`);
    pending = pending.filter((_, i) => responses[i]!.statusCode === 429);
    if (pending.length > 0) await backOff(round, BUSY_MILLIS);
  }
}

function firstOperation({ document, etag, mayExist }: Publication): OperationInput {
  if (etag !== undefined) return replace(document, etag);
  return mayExist ? read(document.id) : create(document);
}

function settlePublication(
  { document, yieldsTo }: Publication,
  operation: OperationInput,
  response: OperationResponse,
): Step<Published> {
  const { statusCode, eTag } = response;
  if (operation.operationType === "Read" && statusCode === 200) {
    const stored = storedIn(response);
    const stays = stored.version === document.version
      ? yieldsTo?.(stored) ?? false
      : stored.version > document.version;
    return stays ? { outcome: null } : { next: replace(document, eTag ?? stored._etag) };
  }
  if (statusCode === 200 || statusCode === 201) return { outcome: eTag ?? "" };
  if (statusCode === 404) return { next: create(document) };
  if (statusCode === 409 || statusCode === 412) return { next: read(document.id) };
  throw storeError(`write document ${document.id}`, `status ${statusCode}`);
}

function settleWithdrawal(
  { id, version }: Withdrawal,
  operation: OperationInput,
  response: OperationResponse,
): Step<void> {
  const { statusCode, eTag } = response;
  if (operation.operationType === "Read" && statusCode === 200) {
    const stored = storedIn(response);
    return stored.version > version
      ? { outcome: undefined }
      : { next: remove(id, eTag ?? stored._etag) };
  }
  if (statusCode === 204 || statusCode === 404) return { outcome: undefined };
  if (statusCode === 412) return { next: read(id) };
  throw storeError(`delete document ${id}`, `status ${statusCode}`);
}

function storedIn(response: OperationResponse): StoredDocument {
  return response.resourceBody as unknown as StoredDocument;
}

const create = (document: OnlineDocument): OperationInput => ({
  operationType: "Create",
  partitionKey: document.id,
  resourceBody: document,
});
const read = (id: string): OperationInput => ({ operationType: "Read", partitionKey: id, id });
// The service takes `ifMatch` with a delete too; the SDK's type leaves it out but sends it.
const remove = (id: string, etag: string): OperationInput & { ifMatch: string } => ({
  operationType: "Delete",
  partitionKey: id,
  id,
  ifMatch: etag,
});
const replace = (document: OnlineDocument, etag: string): OperationInput => ({
  operationType: "Replace",
  partitionKey: document.id,
  id: document.id,
  resourceBody: document,
  ifMatch: etag,
});
