import { parseMessage } from "clickstream/events";
import { type HubOptions, readToEnd } from "./hub.ts";
import type { ReplayFile } from "./state_file.ts";

/** Staged rows that the hub is known to hold beyond those that a replay's checkpoint counts. */
export class PresentRows {
  readonly #rows = new Set<number>();
  #newest = 0;

  /** Number of rows. */
  get size(): number {
    return this.#rows.size;
  }

  /** The newest of them; 0 without any. */
  get newest(): number {
    return this.#newest;
  }

  has(row: bigint | null): boolean {
    return this.#rows.has(Number(row));
  }

  /** Reads which rows after the last checkpoint are in the hub, so that none is sent twice. */
  async read(hub: HubOptions, from: Pick<ReplayFile, "positions" | "sentThrough">): Promise<void> {
    await readToEnd(hub, from.positions, (messages) => {
      for (const { body } of messages) this.#note(body, from.sentThrough);
    });
  }

  #note(body: Uint8Array, through: number): void {
    const parsed = parseMessage(new TextDecoder().decode(body));
    const row = Number("message" in parsed ? parsed.message.staged_row : null);
    if (row <= through) return;
    this.#rows.add(row);
    this.#newest = Math.max(this.#newest, row);
  }
}
