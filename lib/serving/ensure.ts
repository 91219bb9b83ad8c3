import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type BackgroundState,
  type Config,
  ConfigError,
  ensureBackground,
  homePaths,
  stopBackground,
} from "clickstream/config";
import { connectServing, type ServingClient, type ServingTarget } from "./client.ts";
import { admitToken, mintToken } from "./tokens.ts";

/** What the serving process writes to the home. */
export interface ServingState extends BackgroundState {
  url: string;
}

/** Where the serving process keeps its files. */
export interface ServingPaths {
  /** Written when it is ready. */
  stateFile: string;
  logFile: string;
  /** Endpoints and hashes of tokens. */
  directory: string;
  tokens: string;
}

/** The serving process's files below a home. */
export function servingPaths(config: Pick<Config, "home">): ServingPaths {
  const directory = join(config.home, "serving");
  return {
    stateFile: join(config.home, "serving.json"),
    logFile: join(homePaths(config).logs, "serving.log"),
    directory,
    tokens: join(directory, "tokens"),
  };
}

/**
 * Makes sure that the scoring server the configuration asks for can be used. With SERVING_URL set
 * nothing is started; else one background process serves this home, is started when none runs, and
 * stops by itself when nobody has used it for a while.
 *
 * @returns where it is, and a token: the configuration's, or one minted for the caller
 * @throws {ClickstreamError} when the process does not start; shows the end of its log
 */
export async function ensureServing(config: Config): Promise<ServingTarget> {
  const { url, token } = config.serving;
  if (url !== "") {
    if (token !== "") return { url, token };
    throw new ConfigError("SERVING_URL is set without SERVING_TOKEN: set both, or neither.");
  }
  const paths = servingPaths(config);
  const state = await ensureBackground<ServingState>({
    name: "The scoring server",
    script: fileURLToPath(new URL("./main.ts", import.meta.url)),
    args: ["serve", "--idle-minutes", "15"],
    stateFile: paths.stateFile,
    logFile: paths.logFile,
    timeoutMs: 90_000,
    config,
    env: childSettings(config),
  });
  if (token === "") return { url: state.url, token: mintToken(paths.tokens, { name: "notebook" }) };
  admitToken(paths.tokens, token, { name: "SERVING_TOKEN" });
  return { url: state.url, token };
}

/** Stops the scoring server of the configuration's home. Returns false when none ran. */
export async function stopServing(config: Config): Promise<boolean> {
  return await stopBackground(servingPaths(config).stateFile);
}

/**
 * A client of the scoring server: of the configuration's, which is started when need be, or of one
 * at an address.
 */
export async function servingClient(where: Config | ServingTarget): Promise<ServingClient> {
  return connectServing("url" in where ? where : await ensureServing(where));
}

/** Settings of a configuration that was made with options: the child reads them as environment. */
function childSettings(config: Config): Record<string, string> {
  const { cosmos, eventHubs } = config;
  return {
    CLICKSTREAM_PROFILE: config.profile,
    EVENT_HUBS_CONNECTION_STRING: eventHubs.connectionString,
    COSMOS_ENDPOINT: cosmos.endpoint,
    COSMOS_READ_KEY: cosmos.readKey,
    COSMOS_WRITE_KEY: cosmos.writeKey,
    COSMOS_DATABASE: cosmos.database,
    MODEL_NAME: config.model.name,
    MODEL_INFERENCE_NAME: config.model.inferenceName,
    SERVING_PORT: String(config.serving.port),
    SERVING_STORE_DOWN: config.serving.storeDown,
  };
}
