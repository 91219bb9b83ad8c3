const BUCKET_MICROS = 3_600_000_000;
/** The hour of a slot that is in no bucket. */
const NONE = -0x80000000;

/**
 * Slots by the hour in which they may expire. A slot whose expiry moves on stays where it is until
 * its hour comes, so that an event costs nothing here; one whose expiry comes forward is put into
 * the earlier hour, and what stands in the later one is passed over.
 */
export class ExpiryWheel {
  readonly #buckets = new Map<number, number[]>();
  /** The hour that each slot is looked at. */
  #hours = new Int32Array(0);

  /** Makes room for that many slots. */
  grow(capacity: number): void {
    const larger = new Int32Array(capacity).fill(NONE);
    larger.set(this.#hours);
    this.#hours = larger;
  }

  /** Makes sure that a slot is looked at when it expires. @param expiry microseconds since 1970 */
  schedule(slot: number, expiry: number): void {
    const hour = Math.floor(expiry / BUCKET_MICROS);
    const held = this.#hours[slot]!;
    if (held !== NONE && held <= hour) return;
    this.#hours[slot] = hour;
    const bucket = this.#buckets.get(hour);
    if (bucket === undefined) this.#buckets.set(hour, [slot]);
    else bucket.push(slot);
  }

  /** Looks at a slot no more. */
  remove(slot: number): void {
    this.#hours[slot] = NONE;
  }

  /**
   * Hands out the slots that the watermark has passed.
   *
   * @param watermark microseconds since 1970
   * @param expiryOf when a slot expires as it stands
   * @param release called with an expired slot; false when it must stay, to be tried again next time
   */
  turn(
    watermark: number,
    expiryOf: (slot: number) => number,
    release: (slot: number) => boolean,
  ): void {
    const newest = Math.floor(watermark / BUCKET_MICROS);
    for (const hour of [...this.#buckets.keys()].filter((h) => h <= newest)) {
      const bucket = this.#buckets.get(hour)!;
      this.#buckets.delete(hour);
      for (const slot of bucket) {
        if (this.#hours[slot] !== hour) continue;
        this.#hours[slot] = NONE;
        const expiry = expiryOf(slot);
        if (expiry < watermark && release(slot)) continue;
        this.schedule(slot, expiry);
      }
    }
  }
}
