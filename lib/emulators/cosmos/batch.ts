import type { Container } from "./catalog.ts";
import { badRequest, CosmosFailure, tooLarge } from "./failure.ts";
import { itemEtag, itemText, transact } from "./item_store.ts";
import {
  createItem,
  deleteItem,
  type ItemRequest,
  type Outcome,
  patchItem,
  readItem,
  replaceItem,
  upsertItem,
} from "./items.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { keyOfHeader } from "./partition_key.ts";
import { parsePatch } from "./patch.ts";
import type { Reply } from "./reply.ts";

/** How a batch runs. */
export interface BatchOptions {
  /** All or nothing. */
  atomic: boolean;
  /** Whether a bulk goes on after a failure. */
  continueOnError: boolean;
  /** Partition key of a transactional batch, from the header. */
  key: string | null;
  /** Whether answers leave the items out. */
  minimal: boolean;
  /** Size of the request. */
  bytes: number;
  /** Seconds since 1970. */
  now: number;
}

const MOST_OPERATIONS = 100;
const MOST_ATOMIC_BYTES = 2 * 1024 * 1024;

/** One operation's answer. */
interface Answer {
  status: number;
  charge: number;
  text: string;
}

/**
 * Runs a bulk or a transactional batch, in one transaction of the file.
 *
 * @throws {CosmosFailure} 400 when the request is no list of at most 100 operations or names no
 *   key, 413 when a transactional one is larger than 2 MiB
 */
export function runBatch(container: Container, body: Json, options: BatchOptions): Reply {
  if (!Array.isArray(body) || !body.every(isObject)) {
    throw badRequest("The batch request is not an array of operations.");
  }
  if (body.length > MOST_OPERATIONS) {
    throw badRequest(
      `Batch request has more operations than what is supported: ${MOST_OPERATIONS}.`,
    );
  }
  if (options.atomic) {
    // Throws when the key is missing or is no whole key.
    keyOfHeader(container.partitionKey, options.key);
    if (options.bytes > MOST_ATOMIC_BYTES) throw tooLarge();
  }
  const { answers } = transact(container.items, () => runAll(container, body, options));
  const failed = answers.some(({ status }) => status >= 400);
  return {
    status: failed ? 207 : 200,
    body: `[${answers.map(({ text }) => text).join(",")}]`,
    charge: answers.reduce((sum, { charge }) => sum + charge, 0),
    lsn: container.items.lsn,
  };
}

function runAll(container: Container, operations: JsonObject[], options: BatchOptions) {
  const answers: Answer[] = [];
  let failedAt = -1;
  for (const [index, operation] of operations.entries()) {
    if (failedAt >= 0) answers.push(answer(container, { status: 424, charge: 0 }, false));
    else {
      answers.push(runOne(container, operation, options));
      const stop = options.atomic || !options.continueOnError;
      if (stop && answers[index]!.status >= 400) failedAt = index;
    }
  }
  if (failedAt < 0 || !options.atomic) return { commit: true, answers };
  const rolledBack = answers.map((one, index) =>
    index === failedAt ? one : answer(container, { status: 424, charge: 0 }, false)
  );
  return { commit: false, answers: rolledBack };
}

function runOne(container: Container, operation: JsonObject, options: BatchOptions): Answer {
  try {
    const outcome = perform(container, operation, {
      key: options.atomic ? options.key : textOf(operation.partitionKey),
      ifMatch: textOf(operation.ifMatch),
      ifNoneMatch: textOf(operation.ifNoneMatch),
      now: options.now,
    });
    const withBody = !options.minimal || operation.operationType === "Read";
    return answer(container, outcome, withBody);
  } catch (error) {
    if (!(error instanceof CosmosFailure)) throw error;
    return answer(container, { status: error.status, charge: 1 }, false);
  }
}

function perform(container: Container, operation: JsonObject, request: ItemRequest): Outcome {
  const { operationType: type, id, resourceBody: body } = operation;
  switch (type) {
    case "Create":
      return createItem(container, objectOf(body), request);
    case "Upsert":
      return upsertItem(container, objectOf(body), request);
    case "Read":
      return readItem(container, String(id), request);
    case "Replace":
      return replaceItem(container, String(id), objectOf(body), request);
    case "Delete":
      return deleteItem(container, String(id), request);
    case "Patch":
      return patchItem(container, String(id), parsePatch(body ?? null), request);
  }
  throw badRequest(`The operation type ${JSON.stringify(type ?? null)} is not supported.`);
}

function objectOf(body: Json | undefined): JsonObject {
  if (isObject(body)) return body;
  throw badRequest("The operation needs a resourceBody.");
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function answer(
  container: Container,
  outcome: { status: number; charge: number; item?: Outcome["item"] },
  withBody: boolean,
): Answer {
  const { status, charge, item } = outcome;
  let text = `{"statusCode":${status},"requestCharge":${charge}`;
  if (item !== undefined) {
    text += `,"eTag":${JSON.stringify(itemEtag(container.items, item.lsn, item.ts))}`;
    if (withBody) text += `,"resourceBody":${itemText(container.items, item)}`;
  }
  return { status, charge, text: text + "}" };
}
