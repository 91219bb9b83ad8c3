import { closeSync, openSync, writeSync } from "node:fs";
import type { Browsing } from "./browsing.ts";
import { type Calibration, TOTALS } from "./calibration.ts";
import type { Catalogue } from "./catalogue.ts";
import { makeRandom } from "./random.ts";
import type { SessionNames } from "./sessions.ts";
import type { Timeline } from "./timeline.ts";
import type { Visits } from "./visits.ts";

const HEADER =
  "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n";
const BUFFER = 1 << 20;
const LONGEST_ROW = 400;
const encoder = new TextEncoder();
const TYPES = [",view", ",cart", ",purchase"].map((type) => encoder.encode(type));

/** All that a row is made of. */
export interface CsvParts {
  calibration: Calibration;
  catalogue: Catalogue;
  visits: Visits;
  browsing: Browsing;
  timeline: Timeline;
  /** Rows of the timeline, in the order in which they are written. */
  order: Uint32Array;
  names: SessionNames;
  /** How many rows lack their session. */
  withoutSession: number;
  seed: number;
}

/**
 * Writes the events as CSV with the bytes of the published set's format. Yields to other work now
 * and then, and tells how many rows are done.
 */
export async function writeCsv(
  file: string,
  parts: CsvParts,
  onProgress?: (done: number) => void,
): Promise<void> {
  const target = openSync(file, "w");
  try {
    const buffer = new Uint8Array(BUFFER + LONGEST_ROW);
    const writeRow = rowWriter(parts, buffer);
    let used = encoder.encodeInto(HEADER, buffer).written;
    for (let position = 0; position < parts.order.length; position++) {
      used = writeRow(position, used);
      if (used < BUFFER) continue;
      flush(target, buffer, used);
      used = 0;
      onProgress?.(position + 1);
      await Promise.resolve();
    }
    flush(target, buffer, used);
    onProgress?.(parts.order.length);
  } finally {
    closeSync(target);
  }
}

function flush(target: number, buffer: Uint8Array, used: number): void {
  for (let at = 0; at < used;) at += writeSync(target, buffer, at, used - at);
}

function rowWriter(parts: CsvParts, buffer: Uint8Array): (position: number, at: number) => number {
  const { timeline, order, browsing, visits, names } = parts;
  const products = productBytes(parts.calibration, parts.catalogue);
  const nameless = drawNameless(parts);
  const day = { number: -1, text: new Uint8Array(10) };
  const userStart = encoder.encode("1515915625");
  return (position, start) => {
    const row = order[position]!;
    const item = timeline.item[row]!;
    const session = browsing.session[item]!;
    const product = browsing.product[item]!;
    let at = writeTime(TOTALS.start + timeline.time[row]!, day, buffer, start);
    const type = TYPES[timeline.type[row]!]!;
    buffer.set(type, at);
    at += type.length;
    const bytes = products.bytes.subarray(products.from[product]!, products.from[product + 1]!);
    buffer.set(bytes, at);
    at += bytes.length;
    buffer.set(userStart, at);
    at = writeDigits(visits.userDigits[visits.user[session]!]!, 9, buffer, at + userStart.length);
    buffer[at++] = 44;
    if (!nameless.has(position)) at = names.write(session, buffer, at);
    buffer[at++] = 10;
    return at;
  };
}

function drawNameless({ order, withoutSession, seed }: CsvParts): Set<number> {
  const random = makeRandom(seed, "without session");
  const rows = new Set<number>();
  while (rows.size < Math.min(withoutSession, order.length)) rows.add(random.below(order.length));
  return rows;
}

/** What stands between the event type and the user, for every product, in one block of bytes. */
function productBytes(calibration: Calibration, catalogue: Catalogue) {
  const from = new Uint32Array(catalogue.size + 1);
  const texts: string[] = [];
  let length = 0;
  for (let p = 0; p < catalogue.size; p++) {
    const { code } = calibration.categories[catalogue.category[p]!]!;
    const price = catalogue.price[p]!.toFixed(2);
    const { id, categoryId, brand } = catalogue;
    const text = `,${id[p]},${categoryId[p]},${code},${brand[p]},${price},`;
    texts.push(text);
    from[p + 1] = length += text.length;
  }
  return { from, bytes: encoder.encode(texts.join("")) };
}

/** `2020-09-24 11:57:06 UTC`; the day's text is kept, as most rows share it with the one before. */
function writeTime(
  seconds: number,
  day: { number: number; text: Uint8Array },
  buffer: Uint8Array,
  at: number,
): number {
  const number = Math.floor(seconds / 86400);
  if (number !== day.number) {
    day.number = number;
    encoder.encodeInto(new Date(number * 86400_000).toISOString().slice(0, 10), day.text);
  }
  buffer.set(day.text, at);
  const rest = seconds - number * 86400;
  buffer[at + 10] = 32;
  writeDigits(Math.floor(rest / 3600), 2, buffer, at + 11);
  buffer[at + 13] = 58;
  writeDigits(Math.floor(rest / 60) % 60, 2, buffer, at + 14);
  buffer[at + 16] = 58;
  writeDigits(rest % 60, 2, buffer, at + 17);
  buffer[at + 19] = 32;
  buffer[at + 20] = 85;
  buffer[at + 21] = 84;
  buffer[at + 22] = 67;
  return at + 23;
}

function writeDigits(value: number, digits: number, buffer: Uint8Array, at: number): number {
  for (let i = digits - 1; i >= 0; i--) {
    buffer[at + i] = 48 + value % 10;
    value = (value / 10) | 0;
  }
  return at + digits;
}
