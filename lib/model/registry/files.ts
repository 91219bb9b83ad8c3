import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { RegistryError } from "../errors.ts";

export { writeWhole } from "clickstream/config";

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
