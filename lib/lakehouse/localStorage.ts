import { dirname, join } from "node:path";
import { inBatches } from "./batches.ts";
import { DeltaError } from "./errors.ts";
import type { ListOptions, Storage, StoredFile } from "./storage.ts";

/**
 * A storage over a folder of this machine. Log entries are made whole under a hidden name, synced,
 * and then linked to their own name, which fails when it is taken: so creation is exclusive, and
 * nobody ever sees half an entry.
 *
 * @param root absolute path of the folder; made when absent
 */
export function localStorage(root: string): Storage {
  const locate = (path: string) => (path === "" ? root : join(root, path));
  return {
    list: (path, options) => Promise.resolve().then(() => listFiles(root, path, options ?? {})),
    read: (path) => absentAsNull(Deno.readFile(locate(path))),
    write: (path, bytes) => replaceFile(locate(path), bytes),
    putIfAbsent: (path, bytes) => createFile(locate(path), bytes),
    delete: async (path) => void await absentAsNull(Deno.remove(locate(path), { recursive: true })),
    locate,
    makeFolder: (folder) => makeFolder(root, locate(folder)),
    flush: (paths) => flushFiles(root, paths.map(locate)),
  };
}

/**
 * Lists in one go: a log of thousands of entries takes milliseconds, and Deno 2.8.0 can lose the end
 * of one of many calls that are under way at once.
 */
function listFiles(root: string, path: string, options: ListOptions): StoredFile[] {
  const { recursive = false, after = "" } = options;
  const own = statFile(root, path);
  if (own !== null) return [own];
  const found: StoredFile[] = [];
  for (const entry of absentAsNone(() => [...Deno.readDirSync(join(root, path))]) ?? []) {
    const below = path === "" ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory && recursive) found.push(...listFiles(root, below, options));
    else if (entry.isDirectory) found.push({ path: `${below}/`, size: 0, modified: 0 });
    else if (below > after) found.push(...[statFile(root, below)].filter((file) => file !== null));
  }
  return found;
}

function statFile(root: string, path: string): StoredFile | null {
  const info = absentAsNone(() => Deno.statSync(join(root, path)));
  if (!info?.isFile) return null;
  return { path, size: info.size, modified: info.mtime?.getTime() ?? 0 };
}

function absentAsNone<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

async function replaceFile(location: string, bytes: Uint8Array): Promise<void> {
  const hidden = await writeHidden(location, bytes);
  await Deno.rename(hidden, location);
  await syncPath(dirname(location));
}

async function createFile(location: string, bytes: Uint8Array): Promise<boolean> {
  const hidden = await writeHidden(location, bytes);
  try {
    await Deno.link(hidden, location);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw failure(`Could not create ${location}`, error);
  } finally {
    await absentAsNull(Deno.remove(hidden));
  }
  await syncPath(dirname(location));
  return true;
}

/** Writes and syncs the bytes under a name that readers pass over, beside the final one. */
async function writeHidden(location: string, bytes: Uint8Array): Promise<string> {
  const hidden = join(dirname(location), `.${crypto.randomUUID()}.tmp`);
  try {
    using file = await Deno.open(hidden, { write: true, createNew: true });
    let written = 0;
    while (written < bytes.length) written += await file.write(bytes.subarray(written));
    await file.sync();
  } catch (error) {
    await absentAsNull(Deno.remove(hidden));
    throw failure(`Could not write ${location}`, error);
  }
  return hidden;
}

/** A new folder survives a power cut once the folders that name it are synced. */
async function makeFolder(root: string, location: string): Promise<void> {
  await Deno.mkdir(location, { recursive: true });
  await Promise.all(foldersAbove(root, [location]).map(syncPath));
}

/** Each folder once that names one of the locations, or names such a folder, up to the root. */
function foldersAbove(root: string, locations: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const location of locations) {
    for (let path = dirname(location); path.length >= root.length; path = dirname(path)) {
      if (folders.has(path)) break;
      folders.add(path);
    }
  }
  return [...folders];
}

async function flushFiles(root: string, locations: string[]): Promise<void> {
  await inBatches([...locations, ...foldersAbove(root, locations)], syncPath);
}

async function syncPath(location: string): Promise<void> {
  // Windows syncs no folder, and a file only through a handle that may write.
  const write = Deno.build.os === "windows";
  if (write && (await Deno.stat(location)).isDirectory) return;
  using file = await Deno.open(location, { read: true, write });
  await file.sync();
}

async function absentAsNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

function failure(what: string, cause: unknown): DeltaError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DeltaError(
    `${what} (${reason}): check the free space and the rights of the folder; the table is as it was.`,
    { cause },
  );
}
