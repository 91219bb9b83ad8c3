import { readFileSync } from "node:fs";
import { pause } from "clickstream/config";

/** Clock ticks a second in /proc. */
const TICKS = 100;

/** What is measured, and against what. */
export interface Measurement {
  what: string;
  /** Sends one request; rejects when it fails. */
  ask: () => Promise<unknown>;
  perSecond: number;
  seconds: number;
  /** Processes whose processor time is counted. */
  pids: number[];
  target?: string;
}

/** Prints the head of the table. */
export function printHead(): void {
  const columns = ["what", "number", "failed", "p50 ms", "p95 ms", "p99 ms", "server CPU ms each"];
  console.log(`| ${columns.join(" | ")} | target |`);
  console.log(`| --- |${" ---: |".repeat(columns.length - 1)} --- |`);
}

/** Prints a row of the table. */
export function printTimes(
  { what, times, failed, cpu = NaN, target = "" }: {
    what: string;
    times: number[];
    failed: number;
    /** Milliseconds of all requests. */
    cpu?: number;
    target?: string;
  },
): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.ceil(sorted.length * share) - 1] ?? NaN).toFixed(1);
  const number = times.length + failed;
  const each = Number.isNaN(cpu) ? "" : (cpu / number).toFixed(2);
  const cells = [what, number.toLocaleString("en"), failed, at(0.5), at(0.95), at(0.99), each];
  console.log(`| ${cells.join(" | ")} | ${target} |`);
}

/** Sends requests at a fixed rate, whether earlier ones are answered or not, and prints their times. */
export async function measureRate(measurement: Measurement): Promise<void> {
  const { what, ask, perSecond, seconds, pids, target } = measurement;
  const times: number[] = [];
  const failures: Failure[] = [];
  const running: Promise<void>[] = [];
  const cpuBefore = cpuMs(pids);
  const started = performance.now();
  for (let i = 0; i < perSecond * seconds; i++) {
    const due = started + i * 1000 / perSecond;
    const early = due - performance.now();
    if (early > 0.5) await pause(early);
    const before = performance.now();
    running.push(
      ask().then(
        () => void times.push(performance.now() - before),
        (error: Error) => void failures.push({ second: (before - started) / 1000, error }),
      ),
    );
  }
  await Promise.all(running);
  const cpu = cpuMs(pids) - cpuBefore;
  const failed = failures.length;
  printTimes({ what, times, failed, cpu, ...(target === undefined ? {} : { target }) });
  tellWhy(failures);
}

/** A request that failed, by the second in which it was sent. */
interface Failure {
  second: number;
  error: Error;
}

/** Says on the error output why requests failed, how many for each reason, and when. */
function tellWhy(failures: readonly Failure[]): void {
  for (const [reason, of] of Map.groupBy(failures, ({ error }) => error.message)) {
    const seconds = [...new Set(of.map(({ second }) => Math.floor(second)))].slice(0, 20);
    console.error(`${of.length} failed, in second ${seconds.join(", ")}: ${reason}`);
  }
}

/** Processor time that processes have used; not known on other systems than Linux. */
function cpuMs(pids: number[]): number {
  try {
    return pids.reduce((sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return sum + (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS;
    }, 0);
  } catch {
    return NaN;
  }
}
