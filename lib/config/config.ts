import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { parseEnv } from "node:util";
import { z } from "zod";
import { ConfigError } from "./errors.ts";
import { projectRoot } from "./paths.ts";

/** Every setting: the environment variable that carries it, its default, and what it means. */
const settings = z.object({
  /** Folder of everything a run writes. */
  CLICKSTREAM_HOME: z.string().min(1).default("data/local"),
  /** `local` starts the emulators; `azure` starts nothing and needs the connection settings below. */
  CLICKSTREAM_PROFILE: z.enum(["local", "azure"]).default("local"),
  /**
   * Event Hubs connection string, with EntityPath naming the hub. Without a key in it, the process
   * signs in to Azure. Empty: the local broker's.
   */
  EVENT_HUBS_CONNECTION_STRING: z.string().default(""),
  EVENT_HUBS_CONSUMER_GROUP: z.string().min(1).default("$Default"),
  /**
   * Connection string of a storage account in which streaming queries agree on who reads which
   * partition. Empty: one query reads them all.
   */
  CHECKPOINT_STORE_CONNECTION_STRING: z.string().default(""),
  CHECKPOINT_STORE_CONTAINER: z.string().min(3).default("clickstream-consumers"),
  /** Cosmos DB account endpoint. Empty: the local store's. */
  COSMOS_ENDPOINT: z.string().default(""),
  /** Key that may only read: used by serving. Without keys, the process signs in to Azure. */
  COSMOS_READ_KEY: z.string().default(""),
  /** Key that may write: used by publishing. */
  COSMOS_WRITE_KEY: z.string().default(""),
  COSMOS_DATABASE: z.string().min(1).default("clickstream"),
  /** Registered model, and the model registered with its feature look-ups inside. */
  MODEL_NAME: z.string().min(1).default("clickstream"),
  MODEL_INFERENCE_NAME: z.string().min(1).default("clickstream__inference"),
  /** Scoring endpoint URL. Empty: the local one. */
  SERVING_URL: z.string().default(""),
  SERVING_TOKEN: z.string().default(""),
  MLFLOW_TRACKING_URI: z.string().default(""),
  DATABRICKS_HOST: z.string().default(""),
  DATABRICKS_TOKEN: z.string().default(""),
  /** How many times faster than real time a notebook opened by hand replays. */
  REPLAY_SPEED_FACTOR: z.coerce.number().positive().default(100),
  /** Days after which gold rows of expired keys are deleted. */
  RETENTION_DAYS: z.coerce.number().positive().default(90),
  /** Ports of the local services; 0 takes a free one. */
  EVENT_HUBS_PORT: z.coerce.number().int().min(0).max(65535).default(0),
  COSMOS_PORT: z.coerce.number().int().min(0).max(65535).default(0),
  SERVING_PORT: z.coerce.number().int().min(0).max(65535).default(0),
  /** When features cannot be looked up: score with defaults and say so, or `fail` with 503. */
  SERVING_STORE_DOWN: z.enum(["defaults", "fail"]).default("defaults"),
});

/** Names of the settings, as they stand in `.env` and the environment. */
export type SettingName = keyof z.infer<typeof settings>;

/** One typed view of all settings. Secrets are plain strings here: show a config only through {@link maskConfig}. */
export interface Config {
  /** Absolute path of the folder that holds all a run writes. */
  home: string;
  profile: "local" | "azure";
  eventHubs: { connectionString: string; consumerGroup: string; port: number };
  checkpointStore: { connectionString: string; container: string };
  cosmos: { endpoint: string; readKey: string; writeKey: string; database: string; port: number };
  model: { name: string; inferenceName: string };
  serving: { url: string; token: string; port: number; storeDown: "defaults" | "fail" };
  mlflow: { trackingUri: string };
  databricks: { host: string; token: string };
  databases: { clickstream: string; raw: string; processed: string; warehouse: string };
  replay: { speedFactor: number };
  retentionDays: number;
}

/**
 * Builds the configuration from defaults, `.env` in the project's root, the environment, and
 * `options`, later ones winning.
 *
 * @param options settings by their environment names
 * @throws {ConfigError} names the first setting that is wrong and what was expected
 */
export function loadConfig(options: Partial<Record<SettingName, string | number>> = {}): Config {
  const known = Object.keys(settings.shape);
  const fromEnvironment = pick({ ...readEnvFile(), ...process.env }, known);
  const parsed = settings.safeParse({ ...fromEnvironment, ...options });
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new ConfigError(
      `Setting ${
        issue.path.join(".")
      } is wrong: ${issue.message}. Correct it in .env, the environment or the options.`,
    );
  }
  return checkProfile(toConfig(parsed.data));
}

function toConfig(s: z.infer<typeof settings>): Config {
  return {
    home: isAbsolute(s.CLICKSTREAM_HOME)
      ? s.CLICKSTREAM_HOME
      : resolve(projectRoot, s.CLICKSTREAM_HOME),
    profile: s.CLICKSTREAM_PROFILE,
    eventHubs: {
      connectionString: s.EVENT_HUBS_CONNECTION_STRING,
      consumerGroup: s.EVENT_HUBS_CONSUMER_GROUP,
      port: s.EVENT_HUBS_PORT,
    },
    checkpointStore: {
      connectionString: s.CHECKPOINT_STORE_CONNECTION_STRING,
      container: s.CHECKPOINT_STORE_CONTAINER,
    },
    cosmos: {
      endpoint: s.COSMOS_ENDPOINT,
      readKey: s.COSMOS_READ_KEY,
      writeKey: s.COSMOS_WRITE_KEY,
      database: s.COSMOS_DATABASE,
      port: s.COSMOS_PORT,
    },
    model: { name: s.MODEL_NAME, inferenceName: s.MODEL_INFERENCE_NAME },
    serving: {
      url: s.SERVING_URL,
      token: s.SERVING_TOKEN,
      port: s.SERVING_PORT,
      storeDown: s.SERVING_STORE_DOWN,
    },
    mlflow: { trackingUri: s.MLFLOW_TRACKING_URI },
    databricks: { host: s.DATABRICKS_HOST, token: s.DATABRICKS_TOKEN },
    databases: {
      clickstream: "clickstream",
      raw: "raw",
      processed: "processed",
      warehouse: "warehouse",
    },
    replay: { speedFactor: s.REPLAY_SPEED_FACTOR },
    retentionDays: s.RETENTION_DAYS,
  };
}

function checkProfile(config: Config): Config {
  if (config.profile !== "azure") return config;
  const needed: [string, string][] = [
    ["EVENT_HUBS_CONNECTION_STRING", config.eventHubs.connectionString],
    ["COSMOS_ENDPOINT", config.cosmos.endpoint],
    ...oneKeyOnly(config.cosmos),
  ];
  const missing = needed.filter(([, value]) => value === "").map(([name]) => name);
  if (missing.length > 0) {
    throw new ConfigError(
      `Profile azure needs ${missing.join(", ")}: set them in .env (see .env.example).`,
    );
  }
  return config;
}

/** Both keys, or none: then the process signs in. */
function oneKeyOnly({ readKey, writeKey }: Config["cosmos"]): [string, string][] {
  if (readKey === "" && writeKey === "") return [];
  return [["COSMOS_READ_KEY", readKey], ["COSMOS_WRITE_KEY", writeKey]];
}

function readEnvFile(): Record<string, string | undefined> {
  const file = join(projectRoot, ".env");
  return existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
}

function pick(all: Record<string, string | undefined>, names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = all[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}
