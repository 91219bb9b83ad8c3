import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Runs `body` with a new empty folder to use as CLICKSTREAM_HOME and removes it afterwards.
 * Pass the path on (`loadConfig({ CLICKSTREAM_HOME: home })`); the environment is not changed,
 * so tests run in parallel.
 */
export async function withHome<T>(body: (home: string) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "clickstream-test-"));
  try {
    return await body(home);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}
