import { dirname } from "node:path";
import { mkdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * What is known of an hour: `waiting` for an input, `timed out` doing so, `running` (also after a
 * kill), `succeeded`, or `failed` with its reason.
 */
export type HourState = "waiting" | "timed out" | "running" | "succeeded" | "failed";

/** An hour as the status table shows it. */
export interface HourStatus {
  date_ts: string;
  state: HourState;
  /** Why it waits, timed out or failed; empty otherwise. */
  reason: string;
  /** Hits and invoice lines that the hour's files hold, and their rows that were rejected. */
  hits: number;
  sales: number;
  rejected: number;
  /** How often its steps were begun. */
  attempts: number;
  /** The coordinator's time when the state was entered, milliseconds since the epoch. */
  since: number;
  /** How long the last run of its steps took, in milliseconds. */
  milliseconds: number;
}

/** A file that was loaded. */
export interface LoadedFile {
  sha256: string;
  date_ts: string;
  kind: string;
  /** Path below the landing zone. */
  name: string;
  rows: number;
  rejected: number;
}

/** The coordinator's memory: states of hours and hashes of files, in one SQLite file. */
export interface Journal {
  hour(dateTs: string): HourStatus | undefined;
  /** Hours in order, those in one of the states when given. */
  hours(states?: readonly HourState[]): HourStatus[];
  setHour(dateTs: string, change: Partial<Omit<HourStatus, "date_ts">>): void;
  fileByHash(sha256: string): LoadedFile | undefined;
  filesOf(dateTs: string): LoadedFile[];
  /** All files that were loaded. */
  files(): LoadedFile[];
  /** Remembers files, and forgets what was known under their names. */
  addFiles(files: readonly LoadedFile[]): void;
  close(): void;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS hours (date_ts TEXT PRIMARY KEY, state TEXT NOT NULL,
    reason TEXT NOT NULL, hits INTEGER NOT NULL, sales INTEGER NOT NULL, rejected INTEGER NOT NULL,
    attempts INTEGER NOT NULL, since INTEGER NOT NULL, milliseconds REAL NOT NULL);
  CREATE INDEX IF NOT EXISTS hours_by_state ON hours (state);
  CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL,
    date_ts TEXT NOT NULL, kind TEXT NOT NULL, rows INTEGER NOT NULL, rejected INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS files_by_hash ON files (sha256);
  CREATE INDEX IF NOT EXISTS files_by_hour ON files (date_ts);`;

const NEW_HOUR: Omit<HourStatus, "date_ts"> = {
  state: "waiting",
  reason: "",
  hits: 0,
  sales: 0,
  rejected: 0,
  attempts: 0,
  since: 0,
  milliseconds: 0,
};

/** Opens the journal at a path; made when absent. */
export function openJournal(path: string): Journal {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec(SCHEMA);
  const one = (sql: string) => {
    const statement = db.prepare(sql);
    return (...values: string[]) => statement.get(...values) as unknown;
  };
  const hour = one("SELECT * FROM hours WHERE date_ts = ?") as Journal["hour"];
  const putHour = db.prepare(
    "INSERT OR REPLACE INTO hours VALUES (:date_ts, :state, :reason, :hits, :sales, :rejected, :attempts, :since, :milliseconds)",
  );
  const putFile = db.prepare(
    "INSERT OR REPLACE INTO files VALUES (:name, :sha256, :date_ts, :kind, :rows, :rejected)",
  );
  const inHour = db.prepare("SELECT * FROM files WHERE date_ts = ? ORDER BY name");
  return {
    hour,
    hours: (states) =>
      db.prepare(
        `SELECT * FROM hours ${
          states ? `WHERE state IN (${states.map((s) => `'${s}'`).join(", ")})` : ""
        } ORDER BY date_ts`,
      ).all() as unknown as HourStatus[],
    setHour: (dateTs, change) =>
      void putHour.run({ ...NEW_HOUR, ...hour(dateTs), ...change, date_ts: dateTs }),
    fileByHash: one("SELECT * FROM files WHERE sha256 = ?") as Journal["fileByHash"],
    files: () => db.prepare("SELECT * FROM files ORDER BY name").all() as unknown as LoadedFile[],
    filesOf: (dateTs) => inHour.all(dateTs) as unknown as LoadedFile[],
    addFiles: (files) => {
      db.exec("BEGIN");
      for (const file of files) putFile.run({ ...file });
      db.exec("COMMIT");
    },
    close: () => db.close(),
  };
}
