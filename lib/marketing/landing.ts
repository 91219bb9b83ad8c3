import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { LandingError } from "./errors.ts";
import { parseHour } from "./hour.ts";

/** The two inputs of an hour. */
export const KINDS = ["omniture", "sales"] as const;

/** See {@link KINDS}. */
export type Kind = typeof KINDS[number];

/** Says that a delivery is whole. */
const SUCCESS = "_SUCCESS";
/** Folder of what has been taken, so that what lies beside it is still to be taken. */
const TAKEN = "_taken";
/** What {@link SUCCESS} becomes when a file of the delivery cannot be read. */
const REFUSED = "_REFUSED";

/** How the name of a file ends that {@link deliver} is writing. */
const HALF = ".delivery.tmp";

/** A file to deliver: its name, and its bytes as they shall lie in the landing zone. */
export interface Delivery {
  name: string;
  bytes: Uint8Array;
}

/** Folder of an input of an hour: `YYYYMMDD_HH/omniture`. */
export function landingFolder(root: string, hour: string, kind: Kind): string {
  return join(root, hour, kind);
}

function takenFolder(root: string, hour: string, kind: Kind): string {
  return join(root, TAKEN, hour, kind);
}

/**
 * Delivers files for an hour, and says that they are whole: the flag is written last. What a killed
 * delivery has left half written is removed.
 *
 * @throws {LandingError} when the hour's last delivery of that kind is not yet taken
 */
export function deliver(root: string, hour: string, kind: Kind, files: Iterable<Delivery>): void {
  const folder = landingFolder(root, parseHour(hour) && hour, kind);
  if (existsSync(join(folder, SUCCESS))) {
    throw new LandingError(
      `The last delivery of ${kind} for ${hour} is not yet taken (${folder}/${SUCCESS} is there): wait until its hour has run.`,
    );
  }
  mkdirSync(folder, { recursive: true });
  for (const name of namesIn(folder)) if (name.endsWith(HALF)) rmSync(join(folder, name));
  for (const { name, bytes } of files) {
    const whole = join(folder, basename(name));
    writeFileSync(`${whole}${HALF}`, bytes);
    renameSync(`${whole}${HALF}`, whole);
  }
  writeFileSync(join(folder, SUCCESS), "");
}

/** Whether an input of an hour is there whole, taken or not. */
export function isWhole(root: string, hour: string, kind: Kind): boolean {
  const folder = landingFolder(root, hour, kind);
  return existsSync(join(folder, SUCCESS)) || existsSync(takenFolder(root, hour, kind));
}

/** What lies in the landing zone for an hour. */
export interface HourInputs {
  /** Why the hour cannot be taken yet; null when it can. */
  waitsFor: string | null;
  /** Whether an input has come, or has come again, since the hour was last taken. */
  fresh: boolean;
  /** Data files of each kind that have not been taken, sorted. */
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
    const taken = !whole && existsSync(takenFolder(root, hour, kind));
    found.waitsFor ??= missing(kind, { names, whole, taken, unfinished });
  }
  return found;
}

interface InputState {
  names: string[];
  whole: boolean;
  taken: boolean;
  unfinished: string | undefined;
}

function missing(kind: Kind, { names, whole, taken, unfinished }: InputState): string | null {
  if (unfinished !== undefined) return `${kind}: ${unfinished} is still being written`;
  if (whole) return null;
  if (names.includes(REFUSED)) return `${kind}: what was delivered cannot be read`;
  if (names.some((name) => !/^[._]/.test(name))) {
    return `${kind}: files are there without ${SUCCESS}`;
  }
  return taken ? null : `${kind}: nothing was delivered`;
}

/**
 * Takes the flags of an hour down, so that it can be delivered to again, and puts what was delivered
 * aside: the landing zone holds what is still to be taken, however long the history is. The flag
 * comes down last, so that what is killed meanwhile is done again.
 */
export function takeFlags(root: string, hour: string): void {
  for (const kind of KINDS) {
    const folder = landingFolder(root, hour, kind);
    const names = namesIn(folder);
    if (!names.includes(SUCCESS)) continue;
    const taken = takenFolder(root, hour, kind);
    mkdirSync(taken, { recursive: true });
    for (const name of names) {
      if (name !== SUCCESS && name !== REFUSED) renameSync(join(folder, name), join(taken, name));
    }
    rmSync(join(folder, REFUSED), { force: true });
    rmSync(join(folder, SUCCESS));
    removeIfEmpty(folder);
  }
  removeIfEmpty(join(root, hour));
}

/** Removes a folder unless something has come into it meanwhile. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
  }
}

/** Hours that the landing zone has something to be taken for, in order. */
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
