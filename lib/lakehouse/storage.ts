/** What a storage tells of one stored object. */
export interface StoredFile {
  /** Path below the storage's root, parts joined by `/`; a folder's has one at its end. */
  path: string;
  /** Size in bytes. */
  size: number;
  /** When it was last written, in milliseconds since the epoch. */
  modified: number;
}

/** Which objects {@link Storage.list} finds. */
export interface ListOptions {
  /** All objects below instead, and no folders. @default false */
  recursive?: boolean;
  /** Only objects whose path sorts after this one. @default all */
  after?: string;
}

/**
 * All that the lakehouse needs of the place where tables are kept. Paths are relative to the
 * storage's root, with `/` between parts. Five operations on objects, which an object store with
 * conditional writes has as well as a folder; and three because the SQL engine reads and writes data
 * files by itself.
 */
export interface Storage {
  /**
   * The object of that path, or else what lies directly below the folder of that path, in no
   * particular order: objects, and folders with a `/` behind their path; none when it is absent.
   */
  list(path: string, options?: ListOptions): Promise<StoredFile[]>;
  /** The object's bytes, or null when it is absent. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Writes or replaces an object; a reader sees the old or the new bytes, never a mixture. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes a durable object if none is there; false when one is. Of two callers one gets true. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Removes an object, or a folder with all that is in it; nothing happens when it is absent. */
  delete(path: string): Promise<void>;
  /** The name under which the SQL engine opens an object. */
  locate(path: string): string;
  /** Makes sure that a folder can be written into. An object store has nothing to do for it. */
  makeFolder(folder: string): Promise<void>;
  /** Makes objects survive a power cut: their bytes, and the folders that name them. */
  flush(paths: readonly string[]): Promise<void>;
}

/** What a storage tells of one object, or null when it is absent. */
export async function statObject(storage: Storage, path: string): Promise<StoredFile | null> {
  return (await storage.list(path)).find((file) => file.path === path) ?? null;
}

/** Names of the folders directly below a folder. */
export async function foldersIn(storage: Storage, folder: string): Promise<string[]> {
  const found = await storage.list(folder);
  return found.filter(({ path }) => path.endsWith("/")).map(({ path }) => path.split("/").at(-2)!);
}
