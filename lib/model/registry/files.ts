import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { RegistryError } from "../errors.ts";

let written = 0;

/** Writes a file whole or not at all: beside its place first, then renamed into it. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.${written++}.tmp`);
  await writeFile(beside, content);
  await rename(beside, path);
}

/** JSON that people read: two spaces, a newline at the end. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

/**
 * Reads a JSON file of the registry.
 *
 * @throws {RegistryError} the file is missing or no JSON
 */
export async function readJson<T>(path: string, what: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new RegistryError(`The ${what} cannot be read: ${path} is missing or closed to us.`, {
      cause,
    });
  }
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new RegistryError(
      `The ${what} is broken: ${path} is not JSON. Register the model again, or restore the file.`,
      { cause },
    );
  }
}

/** The sha256 of bytes, in hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
