import { pause } from "clickstream/config";
import { parseMessage } from "clickstream/events";
import { type Lakehouse, records } from "clickstream/lakehouse";
import { committedPositions } from "./event_tables.ts";
import {
  type HubEnds,
  hubEnds,
  type HubOptions,
  isTakenOver,
  openProducer,
  readToEnd,
} from "./hub.ts";
import { beyond } from "./positions.ts";
import type { ReplayFile } from "./state_file.ts";
import { TABLES } from "./tables.ts";

/** Milliseconds that a running query has to commit what the hub holds. */
const COMMIT_PATIENCE = 120_000;

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

  /**
   * Finds out which rows after the last checkpoint are in the hub, so that none is sent twice: from
   * the hub, or from bronze while a streaming query keeps others from reading the hub.
   *
   * @throws {StreamError} when the hub cannot be read, and no query commits what it holds
   */
  async read(
    hub: HubOptions,
    lake: Lakehouse,
    from: Pick<ReplayFile, "positions" | "sentThrough">,
  ): Promise<void> {
    const note = (body: string) => this.#note(body, from.sentThrough);
    const ends = await endsOf(hub);
    for (const deadline = performance.now() + COMMIT_PATIENCE;;) {
      try {
        return await readToEnd(hub, from.positions, (messages) => {
          for (const { body } of messages) note(body);
        });
      } catch (error) {
        if (!isTakenOver(error as Error) || performance.now() > deadline) throw error;
      }
      const bodies = await bronzeBodies(lake, from.positions, ends);
      if (bodies !== null) return bodies.forEach(note);
      await pause(200);
    }
  }

  #note(body: string, through: number): void {
    const parsed = parseMessage(body);
    const row = Number("message" in parsed ? parsed.message.staged_row : null);
    if (row <= through) return;
    this.#rows.add(row);
    this.#newest = Math.max(this.#newest, row);
  }
}

async function endsOf(hub: HubOptions): Promise<HubEnds> {
  const producer = openProducer(hub);
  try {
    return await hubEnds(producer);
  } finally {
    await producer.close();
  }
}

/** Bodies of bronze after these positions; null when it does not hold all up to `ends` yet. */
async function bronzeBodies(
  lake: Lakehouse,
  positions: Readonly<Record<string, number>>,
  ends: HubEnds,
): Promise<string[] | null> {
  // Silver is committed last, so bronze holds as much.
  const held = await committedPositions(lake, TABLES.silver);
  if ([...ends].some(([partition, end]) => (held.get(partition) ?? -1) < end)) return null;
  const from = new Map(Object.entries(positions).map(([p, end]) => [Number(p), end]));
  const rows = await records(
    lake,
    `select body from ${TABLES.bronze} where body_encoding is null and ${beyond(from)}`,
  );
  return rows.map((row) => String(row.body));
}
