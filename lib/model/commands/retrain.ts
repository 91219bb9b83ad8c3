import { homePaths, loadConfig, runCommand } from "clickstream/config";
import { progress } from "clickstream/display";
import { ModelError } from "../errors.ts";
import type { Retraining } from "../retrain.ts";
import { retrain } from "../retrain.ts";
import { readOptions, wholeNumber } from "./options.ts";

const USAGE = "deno task retrain -- [--days 7 | --boundary ISO-TIME] [--model NAME]";
const DAY_MS = 86_400_000;

/** `deno task retrain`: a candidate from newer events takes production's place if later rows allow. */
if (import.meta.main) {
  await runCommand(async (args) => {
    const text = { type: "string" } as const;
    const given = readOptions(args, {
      ...{ days: text, boundary: text, model: text },
      help: { type: "boolean" },
    }, USAGE) as Record<string, string | undefined>;
    if (given.help) return console.log(USAGE);
    const config = loadConfig();
    const { registry, lakehouse } = homePaths(config);
    const { openLakehouse, closeLakehouse } = await import("clickstream/lakehouse");
    const { readAllRows } = await import("../training_rows.ts");
    const lake = await openLakehouse(lakehouse);
    try {
      const { rows, newest, version: silverVersion } = await readAllRows(lake);
      const boundary = boundaryOf(given, newest);
      console.log(`Learning from carts before ${boundary.toISOString()}, comparing on later ones.`);
      const name = given.model ?? config.model.name;
      const bar = progress("Training", { unit: "passes" });
      const retraining = await retrain(registry, rows, {
        ...{ name, boundary, silverVersion },
        onEpoch: ({ epoch }) => bar.update(epoch),
      });
      await bar.finish();
      console.log(retrainingText(name, retraining));
    } finally {
      await closeLakehouse(lake);
    }
  });
}

function boundaryOf(given: Record<string, string | undefined>, newest: Date): Date {
  if (given.boundary === undefined) {
    return new Date(newest.getTime() - DAY_MS * wholeNumber("days", given.days ?? "7", 1));
  }
  const boundary = new Date(given.boundary);
  if (Number.isNaN(boundary.getTime())) {
    throw new ModelError(
      `--boundary must be a time as 2021-02-20T00:00:00Z; it is ${given.boundary}.`,
    );
  }
  return boundary;
}

/** What retraining did, as lines of text. */
function retrainingText(name: string, { version, result, drift }: Retraining): string {
  const moved = drift.filter(({ verdict }) => verdict !== "stable");
  return [
    `Version ${version} of ${name}, on ${result.rows} later rows: ${result.reason}`,
    `Drift of ${drift.length} features against training: ${
      moved.length === 0 ? "all stable (PSI below 0.1)." : `${moved.length} moved.`
    }`,
    ...drift.slice(0, 10).map(({ feature, psi, verdict }) =>
      `  ${feature.padEnd(40)} PSI ${psi.toFixed(3)}  ${verdict}`
    ),
  ].join("\n");
}
