/** Results of a query that had to look at all items: texts, or rows to read again. */
export type Results =
  & { length: number; bytes: number }
  & ({ texts: string[] } | { rows: number[] });

const MOST_QUERIES = 64;
const MOST_BYTES = 64 * 1024 * 1024;

/** By a random id, the longest unused first. What is dropped is computed again when asked for. */
const kept = new Map<string, Results>();

/** The results kept under an id. */
export function keptResults(id: string): Results | undefined {
  return kept.get(id);
}

/** Keeps results until they are forgotten or others need the room. @returns their id */
export function keepResults(id: string = crypto.randomUUID(), results: Results): string {
  kept.delete(id);
  kept.set(id, results);
  let bytes = [...kept.values()].reduce((sum, one) => sum + one.bytes, 0);
  for (const [oldest, one] of kept) {
    if (oldest === id || (kept.size <= MOST_QUERIES && bytes <= MOST_BYTES)) break;
    kept.delete(oldest);
    bytes -= one.bytes;
  }
  return id;
}

/** Drops results whose last page is fetched. */
export function forgetResults(id: string): void {
  kept.delete(id);
}
