/** Well below the number of files that systems let a process have open. */
const AT_ONCE = 64;

/** What `work` makes of each item, in their order; only so many at once that each can open a file. */
export async function inBatches<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const made: R[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    made.push(...await Promise.all(items.slice(start, start + AT_ONCE).map(work)));
  }
  return made;
}
