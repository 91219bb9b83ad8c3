import type { Action } from "./actions.ts";
import { CorruptTableError } from "./errors.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import type { TableName } from "./names.ts";
import { quoteText } from "./schema.ts";
import { statObject, type Storage } from "./storage.ts";

/** A checkpoint's version and the files it is made of. */
export interface Checkpoint {
  version: number;
  /** Paths below the root. */
  parts: string[];
}

/**
 * The newest whole checkpoint not newer than `upTo`. `_last_checkpoint` saves listing the log.
 */
export async function newestCheckpoint(
  storage: Storage,
  name: TableName,
  upTo: number,
): Promise<Checkpoint | null> {
  const hint = await readHint(storage, name);
  if (hint !== null && hint.version <= upTo) return hint;
  const found = await listCheckpoints(storage, name.folder);
  return found.filter((checkpoint) => checkpoint.version <= upTo).at(-1) ?? null;
}

async function readHint(storage: Storage, name: TableName): Promise<Checkpoint | null> {
  const bytes = await storage.read(`${name.folder}/_delta_log/_last_checkpoint`);
  if (bytes === null) return null;
  try {
    const hint = JSON.parse(new TextDecoder().decode(bytes)) as { version: number; parts?: number };
    if (hint.parts !== undefined && hint.parts !== null) return null;
    const path = checkpointPath(name.folder, hint.version);
    return await statObject(storage, path) === null
      ? null
      : { version: hint.version, parts: [path] };
  } catch {
    return null; // The hint only saves time: a damaged one means listing the folder.
  }
}

/** Path of a version's checkpoint below the root. */
export function checkpointPath(folder: string, version: number): string {
  return `${folder}/_delta_log/${String(version).padStart(20, "0")}.checkpoint.parquet`;
}

/** All whole checkpoints of a table, oldest first. */
export async function listCheckpoints(storage: Storage, folder: string): Promise<Checkpoint[]> {
  const parts = new Map<string, { version: number; of: number; paths: string[] }>();
  for (const { path } of await storage.list(`${folder}/_delta_log`)) {
    const match = /\/(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet$/.exec(path);
    if (match === null) continue;
    const key = `${match[1]}.${match[2] ?? ""}`;
    const known = parts.get(key) ??
      { version: Number(match[1]), of: Number(match[2] ?? 1), paths: [] };
    known.paths.push(path);
    parts.set(key, known);
  }
  return [...parts.values()].filter((found) => found.paths.length === found.of)
    .map((found) => ({ version: found.version, parts: found.paths.sort() }))
    .sort((a, b) => a.version - b.version);
}

/**
 * The actions that a checkpoint holds.
 *
 * @throws {CorruptTableError} when the file cannot be read
 */
export async function readCheckpoint(
  lake: Lakehouse,
  name: TableName,
  checkpoint: Checkpoint,
): Promise<Action[]> {
  const files = checkpoint.parts.map((path) => quoteText(lake.storage.locate(path))).join(", ");
  try {
    // Both at once; and a text of nulls for each of thousands of files would cost as much again.
    const [adds, others] = await Promise.all([
      readActions(lake, files, ["add"]),
      readActions(lake, files, ["protocol", "metaData", "txn", "remove"]),
    ]);
    return [...others, ...adds];
  } catch (cause) {
    throw new CorruptTableError(
      `Table ${name.full}: the checkpoint of version ${checkpoint.version} cannot be read (${
        cause instanceof Error ? cause.message : cause
      }): remove it and _last_checkpoint if the log is whole, else restore it from a copy.`,
      { cause },
    );
  }
}

/** Each column comes as one text of all its values, which is much faster than a text a row. */
async function readActions(
  lake: Lakehouse,
  files: string,
  kinds: readonly (keyof Action)[],
): Promise<Action[]> {
  const adds = kinds.includes("add") ? "IS NOT NULL" : "IS NULL";
  const names = kinds.map(quoteText).join(", ");
  const result = await withSession(lake, ({ connection }) =>
    connection.runAndReadAll(
      `SELECT string_agg(to_json(COLUMNS(c -> list_contains([${names}], c)))::VARCHAR, ',')
       FROM read_parquet([${files}]) WHERE "add" ${adds}`,
    ));
  const texts = result.getRows()[0] as (string | null)[];
  const actions: Action[] = [];
  for (const [index, column] of result.columnNames().entries()) {
    const kind = kinds.find((kind) => new RegExp(`\\b${kind}\\b`).test(column))!;
    // No number of an action's own fields is beyond 2^53; statistics are texts in themselves.
    for (const value of JSON.parse(`[${texts[index] ?? ""}]`) as Record<string, unknown>[]) {
      actions.push({ [kind]: dropNulls(value) });
    }
  }
  return actions;
}

/** Parquet says null where the log leaves a field out. */
function dropNulls(action: Record<string, unknown>): Record<string, unknown> {
  for (const key in action) if (action[key] === null) delete action[key];
  return action;
}
