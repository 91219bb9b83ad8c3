import { mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { closeSync, existsSync, fsyncSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A micro-batch as planned before it is processed. */
export interface PlannedBatch {
  /** Last sequence number by partition. */
  ends: Record<string, number>;
  /** Watermark before the batch, microseconds since 1970; null before the first event. */
  watermark: number | null;
}

/**
 * Write-ahead log of micro-batches: a batch's end positions are on disk before it is processed, so
 * that after a crash the same batches are formed again.
 */
export interface BatchLog {
  /** Batches planned before this start, oldest first. */
  readonly recovered: readonly PlannedBatch[];
  /** Makes a batch durable. */
  append(batch: PlannedBatch): void;
  /** Forgets batches that the tables already hold. */
  forget(committed: (batch: PlannedBatch) => boolean): void;
  close(): void;
}

/**
 * Plans nothing: in a consumer group another process may go on with a partition, and forms batches of
 * its own.
 */
export const noBatchLog: BatchLog = {
  recovered: [],
  append: () => {},
  forget: () => {},
  close: () => {},
};

/** Opens the log, reading what an earlier process planned. A torn last line is dropped. */
export function openBatchLog(path: string): BatchLog {
  mkdirSync(dirname(path), { recursive: true });
  let kept = existsSync(path) ? parseLines(readFileSync(path, "utf8")) : [];
  const recovered = [...kept];
  replaceFile(path, kept);
  let file = openSync(path, "a");
  return {
    recovered,
    append(batch) {
      writeSync(file, JSON.stringify(batch) + "\n");
      fsyncSync(file);
      kept.push(batch);
    },
    forget(committed) {
      if (kept.length < 256) return;
      kept = kept.filter((batch) => !committed(batch));
      closeSync(file);
      replaceFile(path, kept);
      file = openSync(path, "a");
    },
    close: () => closeSync(file),
  };
}

function parseLines(text: string): PlannedBatch[] {
  const batches: PlannedBatch[] = [];
  for (const line of text.split("\n")) {
    try {
      if (line !== "") batches.push(JSON.parse(line));
    } catch {
      break; // the line that a crash cut off; its batch was not processed
    }
  }
  return batches;
}

function replaceFile(path: string, batches: PlannedBatch[]): void {
  writeFileSync(`${path}.new`, batches.map((batch) => JSON.stringify(batch) + "\n").join(""));
  renameSync(`${path}.new`, path);
}
