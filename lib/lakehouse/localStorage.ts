import { dirname, join } from "node:path";
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
    locate,
    list: (folder, options) => Promise.resolve().then(() => listFiles(root, folder, options ?? {})),
    folders: (folder) => Promise.resolve().then(() => listFolders(locate(folder))),
    stat: (path) => statFile(locate(path), path),
    read: (path) => absentAsNull(Deno.readFile(locate(path))),
    write: (path, bytes) => replaceFile(locate(path), bytes),
    putIfAbsent: (path, bytes) => createFile(locate(path), bytes),
    delete: async (path) => void await absentAsNull(Deno.remove(locate(path))),
    deleteFolder: async (folder) =>
      void await absentAsNull(Deno.remove(locate(folder), { recursive: true })),
    makeFolder: async (folder) => {
      await Deno.mkdir(locate(folder), { recursive: true });
      // A new folder survives a power cut once the folders that name it are synced.
      const parts = folder.split("/");
      await Promise.all(parts.map((_, depth) => syncPath(locate(parts.slice(0, depth).join("/")))));
    },
    flush: (paths) => flushFiles(root, paths.map(locate)),
  };
}

/**
 * Lists in one go: a log of thousands of entries takes milliseconds, and Deno 2.8.0 can lose the end
 * of one of many calls that are under way at once.
 */
function listFiles(root: string, folder: string, options: ListOptions): StoredFile[] {
  const { recursive = false, after = "" } = options;
  const found: StoredFile[] = [];
  for (const entry of readFolder(join(root, folder))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory && recursive) found.push(...listFiles(root, path, options));
    else if (entry.isFile && path > after) {
      const info = absentAsNone(() => Deno.statSync(join(root, path)));
      if (info === null) continue;
      found.push({ path, size: info.size, modified: info.mtime?.getTime() ?? 0 });
    }
  }
  return found;
}

function readFolder(path: string): Deno.DirEntry[] {
  return absentAsNone(() => [...Deno.readDirSync(path)]) ?? [];
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

function listFolders(path: string): string[] {
  return readFolder(path).filter((entry) => entry.isDirectory).map((entry) => entry.name);
}

async function statFile(location: string, path: string): Promise<StoredFile | null> {
  const info = await absentAsNull(Deno.stat(location));
  if (info === null) return null;
  return { path, size: info.size, modified: info.mtime?.getTime() ?? 0 };
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

async function flushFiles(root: string, locations: string[]): Promise<void> {
  const folders = new Set<string>();
  for (const location of locations) {
    for (let path = dirname(location); path.length >= root.length; path = dirname(path)) {
      if (folders.has(path)) break;
      folders.add(path);
    }
  }
  for (const paths of [locations, [...folders]]) {
    for (let start = 0; start < paths.length; start += OPEN_AT_ONCE) {
      await Promise.all(paths.slice(start, start + OPEN_AT_ONCE).map(syncPath));
    }
  }
}

/** Well below the number of files that systems let a process have open. */
const OPEN_AT_ONCE = 64;

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
