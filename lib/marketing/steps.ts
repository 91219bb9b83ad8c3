import { table } from "clickstream/display";
import { optimize } from "clickstream/lakehouse";
import { addPartition } from "./add_partition.ts";
import { parseHour } from "./hour.ts";
import { takeFlags } from "./landing.ts";
import { mapSessions } from "./map_sessions.ts";
import { type Pipeline, rowsOf, settle, type Unit } from "./pipeline.ts";
import { prepareLogs } from "./prepare_logs.ts";
import { prepareSales } from "./prepare_sales.ts";
import { TABLES } from "./tables.ts";
import { topSpenders } from "./top_spenders.ts";

/** A step of an hour. It can be run again, alone, at any time: it replaces what it made before. */
export interface Step {
  name: StepName;
  description: string;
  run(pipeline: Pipeline, unit: Unit): Promise<unknown>;
  /** Tables `unit.…` that the step makes, for people who want to look at them. */
  frames: readonly string[];
}

/** See {@link STEPS}. */
export type StepName =
  | "add_partition"
  | "prepare_logs"
  | "prepare_sales"
  | "map_sessions"
  | "top_spenders"
  | "clean_up";

/** The steps of an hour, in their order. */
export const STEPS: readonly Step[] = [
  {
    name: "add_partition",
    description: "delivered files into raw.omniturelogs, raw.sales and raw.rejects",
    run: addPartition,
    frames: ["new_hits", "new_sales", "new_rejects"],
  },
  {
    name: "prepare_logs",
    description: "hits with their sessions into processed.omniture and warehouse.sessions",
    run: prepareLogs,
    frames: ["hits", "touched", "session_hits", "session_rows"],
  },
  {
    name: "prepare_sales",
    description: "invoice lines with user, amount and kind into processed.sales",
    run: prepareSales,
    frames: ["sales"],
  },
  {
    name: "map_sessions",
    description: "sales to sessions: warehouse.session_mapped and warehouse.unmapped_sales",
    run: mapSessions,
    frames: ["windows", "emitted", "lines"],
  },
  {
    name: "top_spenders",
    description: "rankings by hour and day, and the usage logs of those ranked",
    run: topSpenders,
    frames: ["ranked", "ranked_now", "usage"],
  },
  {
    name: "clean_up",
    description: "takes the flags down; folds small files at the end of a week",
    run: cleanUp,
    frames: [],
  },
];

/** Step 6: takes the unit's flags down. At the end of a week small files are put together. */
async function cleanUp(pipeline: Pipeline, unit: Unit): Promise<void> {
  await settle(pipeline);
  for (const hour of unit.hours) takeFlags(pipeline.landing, hour);
  if (!unit.hours.some(endsWeek)) return;
  await Promise.all(
    Object.keys(TABLES).map((name) =>
      optimize(pipeline.lake, name, { smallerThanRows: SMALL_ROWS })
    ),
  );
}

/** Files with fewer rows are put together weekly. */
const SMALL_ROWS = 5_000;

function endsWeek(hour: string): boolean {
  return hour.endsWith("_23") && parseHour(hour).getUTCDay() === 0;
}

/** Shows the tables that a step has made, a few rows of each. */
export async function showFrames(pipeline: Pipeline, step: Step): Promise<void> {
  for (const frame of step.frames) {
    const found = await rowsOf(
      pipeline,
      `SELECT 1 FROM duckdb_tables() WHERE database_name = 'unit' AND table_name = '${frame}'`,
    );
    if (found.length === 0) continue;
    const columns = frame === "new_hits" ? "* REPLACE (len(p)::VARCHAR || ' columns' AS p)" : "*";
    const reader = await pipeline.connection.runAndReadAll(
      `SELECT ${columns} FROM unit.${frame} LIMIT 5`,
    );
    const [[count]] = await rowsOf(pipeline, `SELECT count(*) FROM unit.${frame}`) as [[bigint]];
    await table(reader.getRowObjectsJS() as Record<string, unknown>[], {
      title: `${step.name}: ${frame}, ${count} rows`,
    });
  }
}
