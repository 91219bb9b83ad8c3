import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ClickstreamError } from "clickstream/config";
import { eventTotals, makeAmounts } from "./amounts.ts";
import { makeBrowsing } from "./browsing.ts";
import { makeCalendar } from "./calendar.ts";
import { type Calibration, loadCalibration, TOTALS } from "./calibration.ts";
import { makeCatalogue } from "./catalogue.ts";
import { makeChoices } from "./choices.ts";
import { writeCsv } from "./csv.ts";
import { orderRows } from "./ordering.ts";
import { makeSessionNames } from "./sessions.ts";
import { makeTimeline } from "./timeline.ts";
import { writeTruth } from "./truth.ts";
import { makeVisits } from "./visits.ts";

/** What to generate. */
export interface ShopOptions {
  /** Number of events, from 1,000; 885,129 is the published size. */
  events: number;
  /** The same seed gives the same file, byte by byte. */
  seed: number;
  /** Folder to write to; it is made when absent. */
  directory: string;
  /** Called as rows are written. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What was generated. */
export interface Shop {
  /** CSV file of events, in the order of time. */
  file: string;
  /** Parquet file of what was behind every session-product; never for features. */
  truth: string;
  events: number;
}

/** Raised when the shop changes, so that a file of an older shop is not taken for this one. */
const SHOP_VERSION = 7;

/**
 * Generates a synthetic shop that follows the published statistics of the electronics set in
 * data/calibration, with a choice model behind it. A shop already generated is taken as it is.
 *
 * @throws {ClickstreamError} when the folder cannot be written
 */
export async function generateShop(options: ShopOptions): Promise<Shop> {
  const { events, seed, directory } = options;
  const file = join(directory, `synthetic-v${SHOP_VERSION}-${events}-${seed}.csv`);
  const truth = file.replace(/\.csv$/, ".truth.parquet");
  if (existsSync(file) && existsSync(truth)) return { file, truth, events };
  const calibration = loadCalibration();
  try {
    mkdirSync(directory, { recursive: true });
    await generate(options, calibration, `${file}.part`, `${truth}.part`);
    renameSync(`${truth}.part`, truth);
    renameSync(`${file}.part`, file);
  } catch (cause) {
    for (const part of [`${file}.part`, `${truth}.part`]) if (existsSync(part)) rmSync(part);
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === undefined && !/No space left|os error/.test(message)) throw cause;
    throw new ClickstreamError(
      `The synthetic shop cannot be written to ${directory} (${message}): free space or choose another home.`,
      { cause },
    );
  }
  return { file, truth, events };
}

async function generate(
  options: ShopOptions,
  calibration: Calibration,
  file: string,
  truth: string,
): Promise<void> {
  const { events, seed, onProgress } = options;
  const scale = events / TOTALS.events;
  const duplicates = Math.round(TOTALS.duplicates * scale);
  const calendar = makeCalendar(calibration);
  const catalogue = makeCatalogue(calibration, scale, seed);
  const sessions = Math.round((TOTALS.sessions + TOTALS.sharedSessionStrings) * scale);
  const visits = makeVisits(sessions, calendar, seed);
  const browsing = makeBrowsing(calibration, catalogue, visits, seed);
  const shop = { calibration, calendar, catalogue, scale };
  const choices = makeChoices(shop, visits, browsing, seed);
  const wanted = eventTotals(events);
  const first = { ...wanted, views: wanted.views - duplicates };
  const amounts = makeAmounts(calibration, catalogue, browsing, choices, first, seed);
  const timeline = makeTimeline(shop, visits, browsing, amounts, seed);
  const order = orderRows(timeline, duplicates, seed);
  const names = makeSessionNames(visits, scale, seed);
  const withoutSession = Math.round(TOTALS.withoutSession * scale);
  const rows = { calibration, catalogue, visits, browsing, timeline, order, names };
  await writeCsv(
    file,
    { ...rows, withoutSession, seed },
    (done) => onProgress?.(done, events),
  );
  await writeTruth(truth, catalogue, visits, browsing, choices, names);
}
