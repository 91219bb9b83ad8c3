import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, maskText } from "clickstream/config";

const SECRET_NAME = /key|token|secret|password|signature|connectionstring/i;
const SECRET_IN_CONNECTION = /(?:SharedAccessKey|AccountKey)=([^;]+)/g;
const SHORTEST = 8;

/**
 * A function that hides every secret of the configuration and of the local services (their state
 * files in the home) in a text. State files are read again as they appear, at most once a second.
 */
export function secretMask(config: Config): (text: string) => string {
  const own = secretsIn(config);
  let local: string[] = [];
  let readAt = -Infinity;
  return (text) => {
    if (performance.now() - readAt > 1000) {
      local = stateFiles(config.home).flatMap((state) => secretsIn(state));
      readAt = performance.now();
    }
    let masked = text;
    for (const secret of [...own, ...local]) masked = masked.replaceAll(secret, "***");
    return maskText(masked);
  };
}

function secretsIn(value: unknown, name = ""): string[] {
  if (typeof value === "string") {
    if (!SECRET_NAME.test(name)) return [];
    const parts = [...value.matchAll(SECRET_IN_CONNECTION)].map((match) => match[1]!);
    return (parts.length > 0 ? parts : [value]).filter((secret) => secret.length >= SHORTEST);
  }
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner, key));
}

function stateFiles(home: string): unknown[] {
  if (!existsSync(home)) return [];
  return readdirSync(home).filter((name) => name.endsWith(".json")).flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(home, name), "utf8"))];
    } catch {
      return [];
    }
  });
}
