import type { Config } from "./config.ts";

const SECRET_NAMES = /key|token|secret|password|signature/i;
const SECRET_PARTS =
  /((?:SharedAccessKey|AccountKey|SharedAccessSignature|sig|Bearer)\s*[= ]\s*)[^;&\s"']+/gi;

/** Hides the secret parts of a connection string or header, keeping the rest readable. */
export function maskText(text: string): string {
  return text.replace(SECRET_PARTS, "$1***");
}

/** A copy of the configuration that may be shown: keys and tokens read `***`. */
export function maskConfig(config: Config): Config {
  const mask = (value: unknown, name: string): unknown => {
    if (typeof value === "string") {
      return SECRET_NAMES.test(name) && value !== "" ? "***" : maskText(value);
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mask(inner, key)]));
  };
  return mask(config, "") as Config;
}
