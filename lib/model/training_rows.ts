import type pl from "nodejs-polars";
import { type Lakehouse, query, records, snapshot, tableExists } from "clickstream/lakehouse";
import { historySql, trainingRowsSql } from "clickstream/metrics";
import { NotFoundError } from "clickstream/config";
import { splitByTime } from "./split.ts";

const SILVER = "electronics_events_silver";

/** Labelled rows of history and, when a stream has run, of the time after it. */
export interface LabelledRows {
  /** Rows before the cutoff: what models are trained on. */
  history: pl.DataFrame;
  /** Rows of carts that began after the cutoff; null without live events. */
  later: pl.DataFrame | null;
  /** The end of history: the first live event, or just after the last event of all. */
  cutoff: Date;
  /** The silver table's version that was read. */
  version: number;
}

/**
 * The training rows of contracts.md out of the silver table: the label and all five metric sets at
 * each row's time, computed from silver itself, so no other table need be there.
 *
 * @throws {NotFoundError} there is no silver table, or it is empty
 */
export async function readLabelledRows(
  lake: Lakehouse,
  options: { later?: boolean } = {},
): Promise<LabelledRows> {
  if (!await tableExists(lake, SILVER)) throw noEvents();
  const { version } = await snapshot(lake, SILVER);
  const [ends] = await records(
    lake,
    `select max(event_time) as last_event,
      min(event_time) filter (partition is not null) as first_live from ${SILVER}`,
  );
  const last = ends!.last_event as Date | null;
  const live = ends!.first_live as Date | null;
  if (last === null) throw noEvents();
  const end = new Date(last.getTime() + 1);
  const cutoff = live ?? end;
  const history = await rowsUntil(
    lake,
    `(select * from ${SILVER} where partition is null)`,
    cutoff,
  );
  const later = live === null || options.later === false ? null : await rowsAfter(lake, live, end);
  return { history, later, cutoff, version: Number(version) };
}

/** Labelled rows of carts that began after history ended; null before a stream has run. */
export async function readLaterRows(lake: Lakehouse): Promise<pl.DataFrame | null> {
  const [ends] = await records(
    lake,
    `select max(event_time) as last_event,
      min(event_time) filter (partition is not null) as first_live from ${SILVER}`,
  );
  const live = ends!.first_live as Date | null;
  const last = ends!.last_event as Date;
  return live === null ? null : await rowsAfter(lake, live, new Date(last.getTime() + 1));
}

async function rowsAfter(lake: Lakehouse, start: Date, end: Date): Promise<pl.DataFrame> {
  const all = await rowsUntil(lake, SILVER, end);
  return (await splitByTime(all, { boundary: start })).later;
}

/**
 * The training rows of all events so far, historical and live.
 *
 * @throws {NotFoundError} there is no silver table, or it is empty
 */
export async function readAllRows(
  lake: Lakehouse,
): Promise<{ rows: pl.DataFrame; newest: Date; version: number }> {
  if (!await tableExists(lake, SILVER)) throw noEvents();
  const { version } = await snapshot(lake, SILVER);
  const [ends] = await records(lake, `select max(event_time) as newest from ${SILVER}`);
  const newest = ends!.newest as Date | null;
  if (newest === null) throw noEvents();
  const rows = await rowsUntil(lake, SILVER, new Date(newest.getTime() + 1));
  return { rows, newest, version: Number(version) };
}

async function rowsUntil(lake: Lakehouse, events: string, cutoff: Date): Promise<pl.DataFrame> {
  const options = { events, cutoff };
  return await query(
    lake,
    trainingRowsSql({
      ...options,
      history: (set) => `(${historySql(set, events)})`,
    }),
  );
}

function noEvents(): NotFoundError {
  return new NotFoundError(
    `The table ${SILVER} has no events yet: run notebooks 0b and 1a (deno task runme) first.`,
  );
}
