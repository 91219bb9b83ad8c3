/** How a run ended. */
export type RunStatus = "RUNNING" | "FINISHED" | "FAILED";

/** What a run begins with. */
export interface RunStart {
  /** Runs that belong together, such as a model's name. */
  experiment: string;
  name: string;
  tags?: Record<string, string>;
}

/** One value of a metric. */
export interface MetricValue {
  key: string;
  value: number;
  /** Pass, trial or whatever the metric counts. */
  step: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

/** A run under way: what it was given, what it measured, what it made. */
export interface Run {
  id: string;
  /** Values are kept as text; objects as JSON. */
  logParameters(parameters: Record<string, unknown>): Promise<void>;
  /** Numbers that are not finite are left out. */
  logMetrics(metrics: Record<string, number | null>, step?: number): Promise<void>;
  setTags(tags: Record<string, string>): Promise<void>;
  /** Keeps a file; `name` may hold folders (`model/model.json`). */
  logArtefact(name: string, content: string | Uint8Array): Promise<void>;
  end(status?: Exclude<RunStatus, "RUNNING">): Promise<void>;
}

/** A run as it is kept. */
export interface RunRecord {
  id: string;
  experiment: string;
  name: string;
  status: RunStatus;
  startedAt: number;
  endedAt: number | null;
  parameters: Record<string, string>;
  tags: Record<string, string>;
  metrics: MetricValue[];
  artefacts: string[];
}

/** Where runs are kept: files of the home, or an MLflow server. */
export interface Tracker {
  kind: "files" | "mlflow";
  startRun(start: RunStart): Promise<Run>;
  readRun(id: string): Promise<RunRecord>;
  /** Ids of an experiment's runs, oldest first. */
  listRuns(experiment: string): Promise<string[]>;
  readArtefact(id: string, name: string): Promise<Uint8Array>;
}

/** A parameter as text. */
export function asText(value: unknown): string {
  if (typeof value === "string") return value;
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The finite metrics of a record, at one step and time. */
export function finiteMetrics(
  metrics: Record<string, number | null>,
  step: number,
): MetricValue[] {
  const timestamp = Date.now();
  return Object.entries(metrics)
    .filter((entry): entry is [string, number] => Number.isFinite(entry[1]))
    .map(([key, value]) => ({ key, value, step, timestamp }));
}
