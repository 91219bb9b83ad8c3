import type { Container } from "./catalog.ts";
import { writeCharge } from "./charges.ts";
import { nextLsn, transact } from "./item_store.ts";
import { keyOfHeader, parseKey } from "./partition_key.ts";
import type { Reply } from "./reply.ts";

/** What follows a container's path when all items of one partition key are to go. */
export const PARTITION_DELETE = "/operations/partitionkeydelete";

/**
 * Deletes all items of the partition key in a request's header.
 *
 * @throws {CosmosFailure} 400 when it is missing or no whole key
 */
export function deletePartition({ items, partitionKey }: Container, key: string | null): Reply {
  const pk = keyOfHeader(partitionKey, key)!;
  const { changes } = transact(items, () => {
    nextLsn(items);
    const { changes } = partitionKey.isId
      ? items.file.prepare("DELETE FROM items WHERE pk = '' AND id = ?").run(
        String(parseKey(key!)[0]),
      )
      : items.file.prepare("DELETE FROM items WHERE pk = ?").run(pk);
    return { commit: true, changes: Number(changes) };
  });
  items.count -= changes;
  return { status: 200, body: "", charge: writeCharge(changes * 1024), lsn: items.lsn };
}
