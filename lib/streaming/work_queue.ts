/** Gives every piece of work its place in the order of arrival, over all queues that share it. */
export class Tickets {
  /** The last ticket given; 0 before the first. */
  last = 0;

  next(): number {
    return this.last += 1;
  }
}

interface Entry<V> {
  value: V;
  ticket: number;
}

/**
 * Work by key, oldest first. What is taken counts as unfinished until {@link done}; a key that is
 * put again while it waits keeps its place and gets the new value.
 */
export class WorkQueue<K, V> {
  readonly #tickets: Tickets;
  readonly #waiting = new Map<K, Entry<V>>();
  #taken = new Map<K, Entry<V>>();

  constructor(tickets: Tickets) {
    this.#tickets = tickets;
  }

  /** Pieces that wait or are being worked on. */
  get size(): number {
    return this.#waiting.size + this.#taken.size;
  }

  /** Ticket of the oldest unfinished piece; Infinity when there is none. */
  get oldest(): number {
    return first(this.#taken)?.ticket ?? first(this.#waiting)?.ticket ?? Infinity;
  }

  /** Whether a key is being worked on. */
  isTaken(key: K): boolean {
    return this.#taken.has(key);
  }

  /** Whether a key waits. */
  waits(key: K): boolean {
    return this.#waiting.has(key);
  }

  /** Adds a piece of work. */
  put(key: K, value: V): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, { value, ticket: this.#tickets.next() });
    else waiting.value = value;
  }

  /** Takes a waiting piece back and gives its value; one that is being worked on goes on. */
  cancel(key: K): V | undefined {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting?.value;
  }

  /** Takes the oldest pieces, at most `most`, those among them that were taken and are not done. */
  take(most: number): [K, V][] {
    for (const [key, { value, ticket }] of this.#waiting) {
      if (this.#taken.size === most) break;
      // One that was not done keeps its place, though it is now done with the newer value.
      this.#taken.set(key, { value, ticket: this.#taken.get(key)?.ticket ?? ticket });
      this.#waiting.delete(key);
    }
    return [...this.#taken].map(([key, { value }]) => [key, value]);
  }

  /** What was taken is done. */
  done(): void {
    this.#taken = new Map();
  }
}

function first<V>(entries: ReadonlyMap<unknown, V>): V | undefined {
  return entries.values().next().value;
}
