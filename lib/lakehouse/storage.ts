/** What a storage tells of one stored object. */
export interface StoredFile {
  /** Path below the storage's root, parts joined by `/`. */
  path: string;
  /** Size in bytes. */
  size: number;
  /** When it was last written, in milliseconds since the epoch. */
  modified: number;
}

/** Which objects {@link Storage.list} finds. */
export interface ListOptions {
  /** Also those of the folders below. @default false */
  recursive?: boolean;
  /** Only objects whose path sorts after this one. @default all */
  after?: string;
}

/**
 * All that the lakehouse needs of the place where tables are kept. Paths are relative to the
 * storage's root, with `/` between parts. An object store with conditional writes can stand behind
 * it as well as a folder.
 */
export interface Storage {
  /** Objects whose path starts with `folder/`, in no particular order; none when it is absent. */
  list(folder: string, options?: ListOptions): Promise<StoredFile[]>;
  /** Names of the folders directly below `folder`. */
  folders(folder: string): Promise<string[]>;
  /** Size and time of one object, or null when it is absent. */
  stat(path: string): Promise<StoredFile | null>;
  /** The object's bytes, or null when it is absent. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Writes or replaces an object; a reader sees the old or the new bytes, never a mixture. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes a durable object if none is there; false when one is. Of two callers one gets true. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Removes an object; nothing happens when it is absent. */
  delete(path: string): Promise<void>;
  /** Removes a folder with all that is in it. */
  deleteFolder(folder: string): Promise<void>;
  /** Makes sure that a folder can be written into by the SQL engine. */
  makeFolder(folder: string): Promise<void>;
  /** Makes objects survive a power cut: their bytes, and the folders that name them. */
  flush(paths: readonly string[]): Promise<void>;
  /** The name under which the SQL engine opens an object. */
  locate(path: string): string;
}
