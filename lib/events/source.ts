import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import {
  type Config,
  ConfigError,
  homePaths,
  NotFoundError,
  projectRoot,
} from "clickstream/config";
import { download } from "./download.ts";
import { generateShop } from "./shop/generate.ts";

/** Which events to take. */
export interface SourceOptions {
  /** `synthetic`, `sample`, `electronics`, or the path of a file. @default "synthetic" */
  data?: string | undefined;
  /** Events of the synthetic shop; `full` is 885,129. @default 200000 */
  size?: number | "full" | undefined;
  /** Seed of the synthetic shop. @default 1 */
  seed?: number | undefined;
  /** Where `electronics` is downloaded from. @default REES46's own address */
  electronics?: { url: string; sha256: string } | undefined;
  /** Stops a download; what has come is kept. */
  signal?: AbortSignal | undefined;
  /** Called while generating or downloading. */
  onProgress?:
    | ((progress: { done: number; total: number | null; unit: "events" | "bytes" }) => void)
    | undefined;
}

/** Where events are to be read from. */
export interface EventSource {
  kind: "synthetic" | "sample" | "electronics" | "file";
  /** CSV file: plain, gzipped or zipped. */
  file: string;
  /** Ground truth of the synthetic shop (parquet). */
  truth?: string;
  /** Default cutoff; null means the moment at 80 % of the time span. */
  cutoff: Date | null;
}

/** The electronics set at its publisher, and its SHA-256 (data/calibration/README.md). */
export const ELECTRONICS = {
  url: "https://data.rees46.com/datasets/electronics-events/electronics-events.csv.gz",
  sha256: "cbcbedc28c39a6b2add493bbbd9f71c061ad9d84087b85e64c442e4d47f418e7",
} as const;

const FULL_SIZE = 885_129;
const DEFAULT_CUTOFF = new Date("2021-02-01T00:00:00Z");

/**
 * Finds, generates or downloads the events that `data` names.
 *
 * @throws {NotFoundError} when a path does not exist
 * @throws {DownloadError} when the electronics set cannot be downloaded
 * @throws {ConfigError} when the size is no whole number of events
 */
export async function resolveSource(
  config: Pick<Config, "home">,
  options: SourceOptions = {},
): Promise<EventSource> {
  const { data = "synthetic" } = options;
  if (data === "synthetic") return await synthetic(config, options);
  if (data === "electronics") return await electronics(config, options);
  if (data === "sample") {
    const file = join(projectRoot, "data", "rees46-2019-10-01.csv.gz");
    return { kind: "sample", file, cutoff: new Date("2019-10-01T02:40:00Z") };
  }
  const file = isAbsolute(data) ? data : resolve(process.cwd(), data);
  if (existsSync(file)) return { kind: "file", file, cutoff: null };
  throw new NotFoundError(
    `--data ${data} is neither synthetic, sample or electronics, nor a file that exists: check the path.`,
  );
}

async function synthetic(
  config: Pick<Config, "home">,
  { size = 200_000, seed = 1, onProgress }: SourceOptions,
): Promise<EventSource> {
  const shop = await generateShop({
    events: sizeOf(size),
    seed,
    directory: homePaths(config).downloads,
    onProgress: (done, total) => onProgress?.({ done, total, unit: "events" }),
  });
  return { kind: "synthetic", file: shop.file, truth: shop.truth, cutoff: DEFAULT_CUTOFF };
}

async function electronics(
  config: Pick<Config, "home">,
  { electronics = ELECTRONICS, onProgress, signal }: SourceOptions,
): Promise<EventSource> {
  const file = await download({
    ...electronics,
    file: join(homePaths(config).downloads, "electronics-events.csv.gz"),
    onProgress: (done, total) => onProgress?.({ done, total, unit: "bytes" }),
    signal,
  });
  return { kind: "electronics", file, cutoff: DEFAULT_CUTOFF };
}

function sizeOf(size: number | "full"): number {
  const events = size === "full" ? FULL_SIZE : Number(size);
  if (Number.isSafeInteger(events) && events >= 1000) return events;
  throw new ConfigError(
    `The size ${size} is not possible: give a whole number of events from 1000, or full.`,
  );
}
