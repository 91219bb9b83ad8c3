import { join } from "node:path";
import { backOff } from "clickstream/config";
import { execute, type Lakehouse, quoteText, snapshot } from "clickstream/lakehouse";
import { containerOf, type OnlineStore, statusOf, storeError } from "clickstream/online";

/** Documents asked for at a time. */
const PAGE = 2000;
/** Times that a busy store is asked anew before giving up: about half a minute. */
const MOST_REFUSALS = 10;

/**
 * Reads all documents of a feature table's container into a temporary table with the columns of
 * the feature table that documents hold, and `version`.
 *
 * @param onRead called after each page with the documents read so far
 * @returns the name of the temporary table
 * @throws {OnlineStoreError} when the store cannot be read
 */
export async function loadDocuments(
  lake: Lakehouse,
  store: OnlineStore,
  table: string,
  onRead: (read: number) => void = () => {},
): Promise<string> {
  const name = `online__${table}`;
  const path = join(lake.scratch, `${name}.jsonl`);
  const { fields } = await snapshot(lake, table);
  const types = new Map(fields.map((field) => [field.name, sqlType(String(field.type))]));
  types.set("version", "bigint").set("id", "varchar");
  try {
    for (let refused = 0; !await writeDocuments(store, table, path, onRead); refused++) {
      if (refused === MOST_REFUSALS) {
        throw storeError(`read the documents of ${table}`, "it is busy");
      }
      await backOff(refused, 100);
    }
    const columns = [...types].map(([column, type]) => `${column}: '${type}'`).join(", ");
    await execute(
      lake,
      // One that is deleted and made again while pages are read may come twice.
      `create or replace temp table ${name} as
       select * exclude (id) from read_json(${quoteText(path)}, format = 'newline_delimited',
         columns = {${columns}})
       qualify row_number() over (partition by id order by version desc) = 1`,
    );
  } finally {
    await Deno.remove(path).catch(() => {});
  }
  return name;
}

/** Writes a container's documents to a file; false when the store was too busy, beyond the SDK's patience. */
async function writeDocuments(
  store: OnlineStore,
  table: string,
  path: string,
  onRead: (read: number) => void,
): Promise<boolean> {
  const file = await Deno.open(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  let read = 0;
  try {
    const pages = containerOf(store, table).items
      .query<Record<string, unknown>>("select * from c", { maxItemCount: PAGE });
    while (pages.hasMoreResults()) {
      const { resources } = await pages.fetchNext();
      if (resources === undefined || resources.length === 0) continue;
      const lines = resources.map((document) => JSON.stringify(document) + "\n").join("");
      await file.write(encoder.encode(lines));
      read += resources.length;
      onRead(read);
    }
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status !== 404 && status !== 429) throw storeError(`read the documents of ${table}`, error);
    return status === 404; // no container: no documents
  } finally {
    file.close();
  }
}

/** Documents hold ids as text, times as ISO 8601: DuckDB reads both as these types. */
function sqlType(type: string): string {
  if (type === "long") return "bigint";
  return type === "string" ? "varchar" : type;
}
