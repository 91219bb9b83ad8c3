import { join } from "node:path";
import type pl from "nodejs-polars";
import { homePaths, loadConfig, runCommand } from "clickstream/config";
import { evaluateModel, type Evaluation } from "../evaluate.ts";
import { toJson, writeWhole } from "../registry/files.ts";
import { loadModel } from "../registry/registry.ts";
import type { LoadedModel } from "../registry/version.ts";
import { splitByCart } from "../split.ts";
import { readOptions, wholeNumber } from "./options.ts";

const USAGE =
  "deno task evaluate -- [--model NAME] [--version production] [--resamples 1000] [--out FILE]";

/** `deno task evaluate`: scores a registered model on held-out carts and on later time. */
if (import.meta.main) {
  await runCommand(async (args) => {
    const text = { type: "string" } as const;
    const given = readOptions(args, {
      ...{ model: text, version: text, resamples: text, out: text },
      help: { type: "boolean" },
    }, USAGE) as Record<string, string | undefined>;
    if (given.help) return console.log(USAGE);
    const config = loadConfig();
    const { registry, lakehouse } = homePaths(config);
    const model = await loadModel(registry, given.model ?? config.model.name, given.version);
    const resamples = wholeNumber("resamples", given.resamples ?? "1000", 10);
    const { openLakehouse, closeLakehouse } = await import("clickstream/lakehouse");
    const { readLabelledRows } = await import("../training_rows.ts");
    const lake = await openLakehouse(lakehouse);
    try {
      const { history, later } = await readLabelledRows(lake);
      const { test } = await splitByCart(history, { seed: model.seed });
      const report = {
        model: model.registered.name,
        version: model.registered.version,
        "held-out carts": await evaluated(model, test, "held-out carts", resamples),
        "later time": await evaluated(model, later, "later time", resamples),
      };
      const out = given.out ?? join(config.home, "evaluation.json");
      await writeWhole(out, toJson(report));
      console.log(`Written: ${out}`);
    } finally {
      await closeLakehouse(lake);
    }
  });
}

async function evaluated(
  model: LoadedModel,
  rows: pl.DataFrame | null,
  name: string,
  resamples: number,
): Promise<Evaluation | null> {
  if (rows === null || rows.height === 0) {
    console.log(`\n${name}: no rows${name === "later time" ? " (no stream has run yet)" : ""}.`);
    return null;
  }
  const evaluation = await evaluateModel(model, rows, { resamples });
  console.log(`\n${name}: ${reportText(evaluation)}`);
  return evaluation;
}

/** An evaluation as lines of text. */
export function reportText(evaluation: Evaluation): string {
  const { scores, intervals, carts, segments, deciles, precisionAt } = evaluation;
  const number = (value: number | null) => value === null ? "undefined" : value.toFixed(4);
  const scoreLines = Object.entries(intervals).map(([name, { value, low, high }]) =>
    `  ${name.padEnd(18)} ${number(value)}  (95 % ${number(low)} to ${number(high)})`
  );
  return [
    `${scores.rows} rows, ${scores.positives} positive, ${carts ?? "no"} carts`,
    ...scoreLines,
    `  ${"calibrationError".padEnd(18)} ${number(scores.calibrationError)}`,
    `  precision at ${
      precisionAt.map(({ k, precision }) => `${k}: ${number(precision)}`).join(", ")
    }`,
    `  lift by decile: ${deciles.map(({ lift }) => lift.toFixed(2)).join(" ")}`,
    ...segments.map(({ segment, group, rows, positives, averagePrecision: ap, rocAuc }) =>
      `  ${segment}, ${group}: ${rows} rows, ${positives} positive, average precision ` +
      `${number(ap.value)} (${number(ap.low)} to ${number(ap.high)}), ROC AUC ${
        number(rocAuc.value)
      }`
    ),
  ].join("\n");
}
