/**
 * Messages in the hub that make a backlog, and with how few left it counts as worked off: then gold
 * takes in at once what has changed, and the online store too.
 */
const BACKLOG = { from: 10_000, until: 1000 };
/**
 * Milliseconds that the online store waits, at most, for the end of a backlog: until then most
 * documents would be written several times, and none would be of today.
 */
const BACKLOG_PATIENCE = 60_000;

/** Milliseconds between commits of bronze, silver and rejected, and between merges into gold. */
export interface CadenceOptions {
  commitMillis: number;
  goldMillis: number;
  /** A clock that never steps, milliseconds. @default performance.now */
  clock?: () => number;
}

/** When a streaming query commits, merges and publishes. */
export class Cadence {
  readonly #options: CadenceOptions;
  readonly #clock: () => number;
  #committed: number;
  #merged: number;
  #published: number;
  #hasBacklog = false;

  constructor(options: CadenceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#committed = this.#merged = this.#published = this.#clock();
  }

  /** Notes how many messages in the hub are not processed yet. */
  observe(lag: number): void {
    this.#hasBacklog ||= lag >= BACKLOG.from;
  }

  /**
   * What is to be done now, and counts as begun; a merge commits first. To be asked when neither is
   * under way.
   *
   * @param lag messages in the hub that are not processed yet
   */
  due(lag: number): "commit" | "merge" | null {
    const now = this.#clock();
    const endsBacklog = this.#hasBacklog && lag <= BACKLOG.until;
    if (endsBacklog) this.#hasBacklog = false;
    if (endsBacklog || now - this.#merged >= this.#options.goldMillis) {
      this.#committed = this.#merged = now;
      return "merge";
    }
    if (now - this.#committed < this.#options.commitMillis) return null;
    this.#committed = now;
    return "commit";
  }

  /** Begins to tell the online store, unless it has to wait: then the answer is false. */
  publishBegins(): boolean {
    const now = this.#clock();
    if (this.#hasBacklog && now - this.#published < BACKLOG_PATIENCE) return false;
    this.#published = now;
    return true;
  }
}
