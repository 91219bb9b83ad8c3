/** Holds up whoever brings more while there is no room. */
export class Room {
  readonly #isFull: () => boolean;
  #waiting: PromiseWithResolvers<void> | null = null;

  constructor(isFull: () => boolean) {
    this.#isFull = isFull;
  }

  /** Ends when there is room. */
  async wait(): Promise<void> {
    while (this.#isFull()) {
      this.#waiting ??= Promise.withResolvers();
      await this.#waiting.promise;
    }
  }

  /** Lets those who wait go on, if there is room by now: to be called after each change. */
  changed(): void {
    if (this.#isFull()) return;
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}
