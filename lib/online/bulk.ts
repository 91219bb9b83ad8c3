import type {
  Container,
  OperationInput,
  OperationResponse,
  ReadOperationInput,
} from "@azure/cosmos";
import { allEnded } from "clickstream/config";
import { chunksOf, readDocuments, type StoredDocument } from "./read.ts";
import { statusOf, storeError } from "./store.ts";

/** Most operations that one bulk request may carry (a limit of the service). */
const BULK_LIMIT = 100;
/** Requests that one call has in flight: enough to keep a store on another core busy. */
const CONCURRENCY = 8;
/** More documents than this are read by queries. */
const MOST_BULK_READS = 20;

/**
 * Carries operations out, order kept. The SDK hashes the key of every operation of a bulk request,
 * which is half of what one costs; so many reads go as queries, where it hashes none.
 */
export async function perform(
  container: Container,
  operations: OperationInput[],
): Promise<OperationResponse[]> {
  const ids = operations.filter(isRead).map(({ id }) => id);
  if (ids.length <= MOST_BULK_READS) return await bulk(container, operations);
  const [found, done] = await allEnded([
    readDocuments(container, ids).catch(noneWhenBusy),
    bulk(container, operations.filter((each) => !isRead(each))),
  ]);
  const rest = done.values();
  return operations.map((each) => {
    if (!isRead(each)) return rest.next().value!;
    return found === null ? BUSY : answerOf(found.get(each.id));
  });
}

/** The answer to an operation that the service was too busy for. */
const BUSY: OperationResponse = { statusCode: 429, requestCharge: 0 };

function noneWhenBusy(error: Error): null {
  if (statusOf(error) === 429) return null;
  throw error;
}

function isRead(operation: OperationInput): operation is ReadOperationInput & { id: string } {
  return operation.operationType === "Read";
}

/** A query's answer as that of a read in bulk. */
function answerOf(stored: StoredDocument | undefined): OperationResponse {
  return stored === undefined
    ? { statusCode: 404, requestCharge: 0 }
    : { statusCode: 200, requestCharge: 0, resourceBody: stored, eTag: stored._etag };
}

/** Sends operations in requests of at most {@link BULK_LIMIT}, several at a time, order kept. */
export async function bulk(
  container: Container,
  operations: readonly OperationInput[],
): Promise<OperationResponse[]> {
  try {
    const parts = chunksOf(operations, BULK_LIMIT);
    return (await pooled(parts, CONCURRENCY, (part) => bulkRequest(container, part))).flat();
  } catch (error) {
    throw storeError(`write to ${container.id}`, error);
  }
}

/**
 * One request. The SDK does not try one again that the service was too busy for; what other partitions
 * have done of it is found by the next try.
 */
async function bulkRequest(
  container: Container,
  operations: OperationInput[],
): Promise<OperationResponse[]> {
  await ownTurn();
  try {
    return await container.items.bulk(operations, undefined, {
      contentResponseOnWriteEnabled: false, // nobody reads what was just written
    });
  } catch (error) {
    if (statusOf(error) !== 429) throw error;
    return operations.map(() => BUSY);
  }
}

let turns = Promise.resolve();

/**
 * Waits for a turn of the event loop that no other request has: to make one takes the SDK
 * milliseconds, and many made in one turn are sent only after the last.
 */
function ownTurn(): Promise<void> {
  return turns = turns.then(() => new Promise((resolve) => setImmediate(resolve)));
}

/** Works on parts, at most so many at a time. Results are in order; after a failure no part begins. */
export async function pooled<P, T>(
  parts: readonly P[],
  most: number,
  work: (part: P) => Promise<T>,
): Promise<T[]> {
  const results = new Array<T>(parts.length);
  let next = 0;
  const worker = async () => {
    while (next < parts.length) {
      const index = next++;
      try {
        results[index] = await work(parts[index]!);
      } catch (error) {
        next = parts.length;
        throw error;
      }
    }
  };
  await allEnded(Array.from({ length: Math.min(most, parts.length) }, worker));
  return results;
}
