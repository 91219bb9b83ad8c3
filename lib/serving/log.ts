import { pino } from "pino";

/** Where a server writes what happens, as structured lines. */
export interface ServingLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/**
 * A log of JSON lines on standard output. Fields that may carry secrets are never written.
 *
 * @param level the least level written
 */
export function servingLog(level: "info" | "warn" | "error" | "silent" = "info"): ServingLog {
  return pino({
    level,
    base: { service: "clickstream-serving" },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ["token", "authorization", "headers", "*.token", "*.authorization", "*.headers"],
      remove: true,
    },
  });
}
