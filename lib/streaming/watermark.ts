/** How far an event may lie behind its partition before it is late, in microseconds. */
export const LATENESS_MICROS = 3_600_000_000;

/** Milliseconds without an event after which a partition no longer holds the watermark back. */
export const IDLE_MILLIS = 60_000;

/** Follows event time over the partitions of a query. */
export class Watermark {
  readonly #highest: Float64Array;
  readonly #lastSeen: Float64Array;
  #value: number;

  /**
   * @param partitions number of partitions
   * @param now wall clock, milliseconds
   * @param restored highest event time by partition before this start, microseconds since 1970
   * @param atLeast the watermark before this start: it never goes back
   */
  constructor(
    partitions: number,
    now: number,
    restored: ReadonlyMap<number, number> = new Map(),
    atLeast = -Infinity,
  ) {
    this.#highest = Float64Array.from(
      { length: partitions },
      (_, i) => restored.get(i) ?? -Infinity,
    );
    this.#lastSeen = new Float64Array(partitions).fill(now);
    this.#value = atLeast;
  }

  /** As it stands: watermark, newest event time, and that by partition; microseconds since 1970. */
  get now(): { watermark: number; newest: number; highest: Map<number, number> } {
    const highest = [...this.#highest].map((time, partition) => [partition, time] as const);
    return {
      watermark: this.#value,
      newest: this.newest,
      highest: new Map(highest.filter(([, time]) => time !== -Infinity)),
    };
  }

  /** When each partition had its last event (or the start), milliseconds since 1970. */
  get seen(): Map<number, number> {
    return new Map([...this.#lastSeen].map((time, p) => [p, time]));
  }

  /** Takes in what another query of the group says about a partition that it reads. */
  learn(partition: number, highest: number | undefined, seen: number | undefined): void {
    const held = this.#highest[partition]!;
    this.#highest[partition] = Math.max(held, highest ?? -Infinity);
    this.#lastSeen[partition] = seen ?? this.#lastSeen[partition]!;
  }

  /** Takes an event in and tells whether it is late: more than an hour behind its own partition. */
  observe(partition: number, eventTime: number, now: number): boolean {
    const highest = this.#highest[partition]!;
    this.#lastSeen[partition] = now;
    if (eventTime > highest) this.#highest[partition] = eventTime;
    return eventTime < highest - LATENESS_MICROS;
  }

  /** The least, over partitions that are not idle, of the highest event time, less an hour. */
  advance(now: number): number {
    let least = Infinity;
    for (let i = 0; i < this.#highest.length; i++) {
      if (now - this.#lastSeen[i]! < IDLE_MILLIS) least = Math.min(least, this.#highest[i]!);
    }
    if (least !== Infinity) this.#value = Math.max(this.#value, least - LATENESS_MICROS);
    return this.#value;
  }

  /** The watermark, in microseconds since 1970; -Infinity before the first event. */
  get value(): number {
    return this.#value;
  }

  /** Newest event time over all partitions, in microseconds since 1970. */
  get newest(): number {
    return Math.max(...this.#highest);
  }
}
