import { rmSync } from "node:fs";
import type { Config } from "clickstream/config";
import {
  appendTo,
  dropTable,
  type Lakehouse,
  overwriteTable,
  records,
  snapshot,
  tableExists,
} from "clickstream/lakehouse";
import type { OnlineStore } from "clickstream/online";
import type { ColumnBuffer } from "./columns.ts";
import { lastBatch } from "./daily.ts";
import { decodeMessage, type HubMessage } from "./decode.ts";
import { StreamError } from "./errors.ts";
import { eventBuffer, type TableMessage } from "./event_tables.ts";
import { withLiveHalfStopped } from "./live_lock.ts";
import { readQuery } from "./query_files.ts";
import { recountChanged } from "./recount.ts";
import { readState, type RebuildFile, streamFiles, writeState } from "./state_file.ts";
import { silverColumns, TABLES } from "./tables.ts";
import { LATENESS_MICROS } from "./watermark.ts";

/** What {@link rebuildSilver} works on. */
export interface RebuildOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  /** Whether silver is replaced where it differs; else it is only compared. @default false */
  write?: boolean;
}

/** How silver's live rows compare with what bronze gives. */
export interface Rebuilt {
  /** Messages whose row is as bronze gives it. */
  same: number;
  /** Messages that silver lacks. */
  missing: number;
  /** Rows of silver that no message gives, second ones of a message among them. */
  extra: number;
  /** Messages whose row has other values. */
  differing: number;
  /** Messages that are no events by today's rules and do not stand in rejected. */
  unreadable: number;
  /** Whether silver was replaced. */
  written: boolean;
}

/** Holds the rebuilt rows for as long as they are compared; `is_late` is found at the end. */
const REBUILT = "electronics_events_silver__rebuilt";
/** Sequence numbers read at a time. */
const PAGE = 50_000;

/**
 * Decodes bronze anew by the stream's own rules and compares silver's live rows with it, all columns
 * but `current_ts`. With `write`, silver becomes what bronze gives, in one commit, and the features of
 * keys whose events changed are counted anew, in the tables and online. Messages in rejected stay
 * there, and history stays as it is. Interrupted, it is simply run again.
 *
 * @throws {StreamError} while the live half runs, or when 2b did not end in order
 */
export async function rebuildSilver(options: RebuildOptions): Promise<Rebuilt> {
  return await withLiveHalfStopped(options.config, "deno task rebuild", () => rebuild(options));
}

async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { config, lake, write = false } = options;
  checkEnded(config);
  if (write) await finishRebuild(options);
  try {
    const unreadable = await decodeBronze(lake);
    const counts = await compare(lake);
    const differs = counts.missing + counts.extra + counts.differing > 0;
    const written = write && (differs || unreadable.rows > 0);
    if (written) await replaceSilver(options, unreadable);
    return { ...counts, unreadable: unreadable.rows, written };
  } finally {
    await dropRebuilt(lake);
  }
}

function checkEnded(config: Config): void {
  lastBatch(config); // says what to do when there is no history
  const query = readQuery(config);
  if (query === null || query.state === "done" || query.state === "stopped") return;
  throw new StreamError("The streaming query did not end in order: run 2b to its end first.");
}

/** Fills the table of rebuilt rows, and returns what cannot be read, as rows of rejected. */
async function decodeBronze(lake: Lakehouse): Promise<ColumnBuffer<TableMessage>> {
  await overwriteTable(lake, REBUILT, { columns: eventBuffer("silver").columns }, {
    columns: silverColumns,
  });
  const unreadable = eventBuffer("rejected");
  const partitions = await records(
    lake,
    `select partition, min(sequence_number) as first, max(sequence_number) as last
     from ${TABLES.bronze} group by partition order by partition`,
  );
  for (const { partition, first, last } of partitions) {
    for (let from = Number(first); from <= Number(last); from += PAGE) {
      const silver = eventBuffer("silver");
      for (const row of await readBronze(lake, Number(partition), from)) {
        (row.message.event === null ? unreadable : silver).push(row);
      }
      if (silver.rows > 0) await appendTo(lake, REBUILT, { columns: silver.columns });
    }
  }
  return unreadable;
}

/** Messages of bronze that do not stand in rejected. */
async function readBronze(
  lake: Lakehouse,
  partition: number,
  from: number,
): Promise<TableMessage[]> {
  const page = `partition = ${partition} and sequence_number >= ${from}
    and sequence_number < ${from + PAGE}`;
  const rows = await records(
    lake,
    `select partition, sequence_number, "offset", body, body_encoding,
       epoch_us(enqueued_ts) as enqueued,
       epoch_us(current_ts) as made_at
     from (select * from ${TABLES.bronze} where ${page})
       anti join (select * from ${TABLES.rejected} where ${page}) using (partition, sequence_number)
     order by sequence_number`,
  );
  return rows.map((row) => ({
    message: decodeMessage(storedMessage(row)),
    isLate: false,
    now: Number(row.made_at),
  }));
}

/** The message of a row of bronze or rejected, with `enqueued_ts` in microseconds as `enqueued`. */
export function storedMessage(row: Record<string, unknown>): HubMessage {
  return {
    partition: Number(row.partition),
    sequenceNumber: Number(row.sequence_number),
    offset: String(row.offset),
    enqueuedTime: Number(row.enqueued),
    body: String(row.body),
    bodyEncoding: row.body_encoding as "base64" | null,
  };
}

const VALUES = silverColumns.map((c) => c.name).filter((name) => name !== "current_ts");

/** Rebuilt rows beside those held: `same`, `held_ts`, and which of the two sides there is. */
const COMPARED = `(select rebuilt.*, rebuilt.partition is not null as given,
    held.copy is not null as held, held.current_ts as held_ts,
    ${
  VALUES.map((name) => `rebuilt.${name} is not distinct from held.${name}`).join(" and ")
} as same
  from (select * replace (coalesce(event_time < max(event_time) over (partition by partition
        order by sequence_number rows between unbounded preceding and 1 preceding)
        - to_microseconds(${LATENESS_MICROS}), false) as is_late) from ${REBUILT}) as rebuilt
  full join (select *, row_number() over (partition by partition, sequence_number
        order by current_ts) as copy from ${TABLES.silver} where partition is not null) as held
    on rebuilt.partition = held.partition and rebuilt.sequence_number = held.sequence_number
      and held.copy = 1)`;

async function compare(
  lake: Lakehouse,
): Promise<Pick<Rebuilt, "same" | "missing" | "extra" | "differing">> {
  const [row] = await records(
    lake,
    `select count_if(same) as same, count_if(given and not held) as missing,
       count_if(held and not given) as extra, count_if(given and held and not same) as differing
     from ${COMPARED}`,
  );
  const { same, missing, extra, differing } = row!;
  return {
    same: Number(same),
    missing: Number(missing),
    extra: Number(extra),
    differing: Number(differing),
  };
}

async function replaceSilver(
  options: RebuildOptions,
  unreadable: ColumnBuffer<TableMessage>,
): Promise<void> {
  const { config, lake } = options;
  if (unreadable.rows > 0) await appendTo(lake, TABLES.rejected, { columns: unreadable.columns });
  const { version } = await snapshot(lake, TABLES.silver);
  writeState<RebuildFile>(streamFiles(config).rebuild, { silverVersion: Number(version) });
  const sql = `select ${VALUES.join(", ")},
      case when same then held_ts else cast(now() as timestamp) end as current_ts
    from ${COMPARED} where given order by partition, sequence_number`;
  await overwriteTable(lake, TABLES.silver, { sql }, { replaceWhere: "partition is not null" });
  await finishRebuild(options);
}

/** Brings everything that follows from silver up to what a rebuild left, be it this one or one before. */
async function finishRebuild(options: RebuildOptions): Promise<void> {
  const path = streamFiles(options.config).rebuild;
  const file = readState<RebuildFile>(path);
  if (file === null) return;
  await recountChanged(options, file.silverVersion);
  rmSync(path);
}

async function dropRebuilt(lake: Lakehouse): Promise<void> {
  if (await tableExists(lake, REBUILT)) await dropTable(lake, REBUILT);
}
