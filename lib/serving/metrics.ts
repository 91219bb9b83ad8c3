import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { InferenceLogStatus } from "./inferenceLog.ts";

/** Counters and histograms of one server, for Prometheus. */
export interface ServingMetrics {
  requests: Counter<"route" | "method" | "status">;
  seconds: Histogram<"route">;
  rows: Counter<"endpoint" | "outcome">;
  lookUpSeconds: Histogram<string>;
  scoreSeconds: Histogram<string>;
  cacheRows: Counter<"result">;
  storeFailures: Counter<"reason">;
  reloads: Counter<string>;
  modelVersion: Gauge<"endpoint">;
  /** The text of `GET /metrics`. */
  text(): Promise<string>;
  contentType: string;
}

const SECONDS = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 5];

/**
 * New metrics with a registry of their own.
 *
 * @param logStatus asked when the metrics are read
 */
export function servingMetrics(logStatus: () => InferenceLogStatus | null): ServingMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Counter<T>({ name: `clickstream_serving_${name}`, help, labelNames, registers });
  const histogram = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Histogram<T>({
      name: `clickstream_serving_${name}`,
      help,
      labelNames,
      buckets: SECONDS,
      registers,
    });
  const logged = new Gauge({
    name: "clickstream_serving_inference_log_rows",
    help: "Rows of the inference log since the start, by state",
    labelNames: ["state"],
    registers,
  });
  return {
    requests: counter("requests_total", "Requests answered", ["route", "method", "status"]),
    seconds: histogram("request_seconds", "Time to answer a request", ["route"]),
    rows: counter("rows_total", "Rows asked for", ["endpoint", "outcome"]),
    lookUpSeconds: histogram("look_up_seconds", "Time to look the features of a request up"),
    scoreSeconds: histogram("score_seconds", "Time of the model for a request"),
    cacheRows: counter("cache_rows_total", "Rows looked up, by result", ["result"]),
    storeFailures: counter("store_failures_total", "Look-ups without an answer", ["reason"]),
    reloads: counter("reloads_total", "New model versions put into service"),
    modelVersion: new Gauge({
      name: "clickstream_serving_model_version",
      help: "Version that an endpoint serves",
      labelNames: ["endpoint"],
      registers,
    }),
    text() {
      for (const [state, rows] of Object.entries(logStatus() ?? {})) logged.set({ state }, rows);
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
