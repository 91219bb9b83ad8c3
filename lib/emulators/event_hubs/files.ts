import { readFileSync } from "node:fs";
import { ClickstreamError, writeWhole } from "clickstream/config";

/** Writes a JSON file so that a reader, or a restart after a crash, finds the old or the new one. */
export function writeJson(path: string, value: unknown, mode = 0o644): void {
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`, { mode, durable: true });
}

/**
 * Reads a JSON file; null when there is none.
 *
 * @throws {ClickstreamError} when it is no JSON
 */
export function readJson<T>(path: string): T | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new ClickstreamError(`${path} is damaged; move it away and start again.`, { cause });
  }
}
