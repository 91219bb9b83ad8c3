import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "./config.ts";

/** Absolute path of the project's root folder, wherever the current directory is. */
export const projectRoot: string = dirname(
  dirname(dirname(fileURLToPath(import.meta.url))),
);

/** Where each thing lives below a home. One place, so that no other file joins these names. */
export interface HomePaths {
  /** Delta databases, a folder each. */
  lakehouse: string;
  /** Executed notebooks and reports, a folder a run. */
  runs: string;
  /** Downloaded and generated inputs. */
  downloads: string;
  /** Ports, pid and connection strings of the local services. */
  services: string;
  /** Files of the local broker and store. */
  emulators: string;
  /** Write-ahead positions of the streaming queries, and the replay's state. */
  stream: string;
  /** Registered models. */
  registry: string;
  /** Log files of background processes. */
  logs: string;
}

/** The paths below `config.home`. Nothing is created. */
export function homePaths(config: Pick<Config, "home">): HomePaths {
  const at = (...parts: string[]) => join(config.home, ...parts);
  return {
    lakehouse: at("lakehouse"),
    runs: at("runs"),
    downloads: at("downloads"),
    services: at("services.json"),
    emulators: at("emulators"),
    stream: at("stream"),
    registry: at("registry"),
    logs: at("logs"),
  };
}
