import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";

/** How {@link writeWhole} writes. */
export interface WholeFileOptions {
  /** Permissions of the file, where the system has them. @default 0o644 */
  mode?: number;
  /** Whether it is on the disk, past a power cut, when the call returns. @default false */
  durable?: boolean;
}

let written = 0;

/**
 * Writes a file whole or not at all: beside its place first, then renamed into it. A reader finds the
 * old content or the new one, never a part. Missing folders are made.
 */
export function writeWhole(
  path: string,
  content: string | Uint8Array,
  options: WholeFileOptions = {},
): void {
  const { mode = 0o644, durable = false } = options;
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const draft = join(folder, `.${basename(path)}.${process.pid}.${written++}.tmp`);
  const file = openSync(draft, "w", mode);
  try {
    writeFileSync(file, content);
    if (durable) fsyncSync(file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  if (durable) syncFolder(folder);
}

/** Forces to the disk that a file is in its folder, where the system can do that. */
export function syncFolder(path: string): void {
  let folder: number | null = null;
  try {
    folder = openSync(path, "r");
    fsyncSync(folder);
  } catch {
    // Windows opens no folders; it keeps their entries by itself.
  } finally {
    if (folder !== null) closeSync(folder);
  }
}
