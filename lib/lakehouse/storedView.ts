import type { Lakehouse } from "./lake.ts";
import { parseTableName, type TableName } from "./names.ts";

/** A query that the lakehouse keeps under a name. */
export interface StoredView {
  name: TableName;
  /** The query; tables in it carry their database. */
  sql: string;
}

/**
 * Keeps a query under a name, so that later queries read it like a table. A view of that name is
 * replaced.
 *
 * @param view `database.name`; queries must write it so
 * @param sql one query over tables, each with its database
 * @throws {DeltaError} when the name is not one
 */
export async function createView(lake: Lakehouse, view: string, sql: string): Promise<void> {
  const name = parseTableName(view);
  await lake.storage.makeFolder(name.folder);
  await lake.storage.write(viewPath(name), new TextEncoder().encode(`${sql.trim()}\n`));
  await lake.storage.flush([viewPath(name)]);
}

/** The views whose full names stand in the text. */
export async function viewsIn(lake: Lakehouse, text: string): Promise<StoredView[]> {
  const names = new Set(
    [...text.matchAll(/\b([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)/g)].map(([, a, b]) => `${a}.${b}`),
  );
  const found: StoredView[] = [];
  for (const full of names) {
    const name = parseTableName(full);
    if (lake.logs.has(name.folder)) continue;
    const bytes = await lake.storage.read(viewPath(name));
    if (bytes !== null) found.push({ name, sql: new TextDecoder().decode(bytes) });
  }
  return found;
}

function viewPath(name: TableName): string {
  return `${name.folder}/view.sql`;
}
