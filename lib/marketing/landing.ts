import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LandingError } from "./errors.ts";
import { parseHour } from "./hour.ts";

/** The two inputs of an hour. */
export const KINDS = ["omniture", "sales"] as const;

/** See {@link KINDS}. */
export type Kind = typeof KINDS[number];

/** Says that a delivery is whole. */
const SUCCESS = "_SUCCESS";
/** What {@link SUCCESS} becomes when the hour has been taken. */
const TAKEN = "_TAKEN";
/** What {@link SUCCESS} becomes when a file of the delivery cannot be read. */
const REFUSED = "_REFUSED";

/** A file to deliver: its name, and its bytes as they shall lie in the landing zone. */
export interface Delivery {
  name: string;
  bytes: Uint8Array;
}

/** Folder of an input of an hour: `YYYYMMDD_HH/omniture`. */
export function landingFolder(root: string, hour: string, kind: Kind): string {
  return join(root, hour, kind);
}

/**
 * Delivers files for an hour, and says that they are whole: the flag is written last.
 *
 * @throws {LandingError} when the hour's last delivery of that kind is not yet taken
 */
export function deliver(root: string, hour: string, kind: Kind, files: readonly Delivery[]): void {
  const folder = landingFolder(root, parseHour(hour) && hour, kind);
  if (existsSync(join(folder, SUCCESS))) {
    throw new LandingError(
      `The last delivery of ${kind} for ${hour} is not yet taken (${folder}/${SUCCESS} is there): wait until its hour has run.`,
    );
  }
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of files) {
    const whole = join(folder, basename(name));
    writeFileSync(`${whole}.tmp`, bytes);
    renameSync(`${whole}.tmp`, whole);
  }
  writeFileSync(join(folder, SUCCESS), "");
}

/** Whether an input of an hour is there whole, taken or not. */
export function isWhole(root: string, hour: string, kind: Kind): boolean {
  const folder = landingFolder(root, hour, kind);
  return existsSync(join(folder, SUCCESS)) || existsSync(join(folder, TAKEN));
}

/** What lies in the landing zone for an hour. */
export interface HourInputs {
  /** Why the hour cannot be taken yet; null when it can. */
  waitsFor: string | null;
  /** Whether an input has come, or has come again, since the hour was last taken. */
  fresh: boolean;
  /** Data files of each kind, sorted. */
  files: Record<Kind, string[]>;
}

/**
 * Looks at an hour: both inputs must be whole. An input taken earlier counts as there, so that one
 * may come again alone.
 */
export function inputsOf(root: string, hour: string): HourInputs {
  const found: HourInputs = { waitsFor: null, fresh: false, files: { omniture: [], sales: [] } };
  for (const kind of KINDS) {
    const names = namesIn(landingFolder(root, hour, kind));
    const whole = names.includes(SUCCESS);
    const data = names.filter((name) => !/^[._]/.test(name));
    const unfinished = data.find((name) => /\.(tmp|part|partial|crdownload|filepart)$/i.test(name));
    found.fresh ||= whole;
    found.files[kind] = data.sort().map((name) => join(landingFolder(root, hour, kind), name));
    found.waitsFor ??= missing(kind, { names, whole, unfinished });
  }
  return found;
}

function missing(
  kind: Kind,
  { names, whole, unfinished }: { names: string[]; whole: boolean; unfinished: string | undefined },
): string | null {
  if (unfinished !== undefined) return `${kind}: ${unfinished} is still being written`;
  if (whole || names.includes(TAKEN)) return null;
  return names.length === 0
    ? `${kind}: nothing was delivered`
    : `${kind}: files are there without ${SUCCESS}`;
}

/** Takes the flags of an hour down, so that it can be delivered to again. */
export function takeFlags(root: string, hour: string): void {
  for (const kind of KINDS) {
    const folder = landingFolder(root, hour, kind);
    if (!existsSync(join(folder, SUCCESS))) continue;
    renameSync(join(folder, SUCCESS), join(folder, TAKEN));
  }
}

/** Hours that the landing zone has a folder for, in order. */
export function landedHours(root: string): string[] {
  return namesIn(root).filter((name) => /^\d{8}_\d\d$/.test(name)).sort();
}

/**
 * Refuses a delivery: its flag comes down, and the file that cannot be read is set aside beside the
 * others, so that the input can be delivered again.
 *
 * @param path the file
 * @returns where the file is now
 */
export function refuse(root: string, hour: string, kind: Kind, path: string): string {
  const folder = landingFolder(root, hour, kind);
  const aside = join(folder, `_refused_${basename(path)}`);
  renameSync(path, aside);
  if (existsSync(join(folder, SUCCESS))) renameSync(join(folder, SUCCESS), join(folder, REFUSED));
  rmSync(join(folder, TAKEN), { force: true });
  return aside;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
