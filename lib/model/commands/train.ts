import { runCommand } from "clickstream/config";
import { ModelError } from "../errors.ts";
import { readOptions, wholeNumber } from "./options.ts";
import { trainOnRows } from "./train_rows.ts";

const USAGE =
  "deno task train -- --rows DIR --label NAME [--drop a,b] [--trials 50] [--out DIR] [--seed 1]";

/** `deno task train`: trains on any rows in DIR/train.parquet, validation.parquet, test.parquet. */
if (import.meta.main) {
  await runCommand(async (args) => {
    const text = { type: "string" } as const;
    const given = readOptions(args, {
      ...{ rows: text, label: text, drop: text, trials: text, out: text, seed: text },
      help: { type: "boolean" },
    }, USAGE) as Record<string, string | undefined>;
    if (given.help) return console.log(USAGE);
    if (given.rows === undefined || given.label === undefined) {
      throw new ModelError(`--rows and --label are needed. Usage: ${USAGE}`);
    }
    const out = given.out ?? given.rows;
    const report = await trainOnRows({
      rows: given.rows,
      label: given.label,
      out,
      drop: given.drop?.split(",").map((name) => name.trim()).filter((name) => name !== "") ?? [],
      trials: wholeNumber("trials", given.trials ?? "50", 0),
      seed: wholeNumber("seed", given.seed ?? "1", 0),
      onProgress: console.log,
    });
    for (const note of report.notes) console.log(note);
    const { test, validation } = report.scores;
    const shown = test ?? validation;
    if (shown !== null) {
      const { averagePrecision, rocAuc, brier } = shown;
      console.log(
        `${test === null ? "Validation" : "Test"}: average precision ${
          averagePrecision.toFixed(4)
        }, ROC AUC ${rocAuc?.toFixed(4) ?? "undefined"}, Brier ${brier.toFixed(5)}, ` +
          `${report.seconds.toFixed(0)} s on ${report.backend.name}.`,
      );
    }
    console.log(`Written: ${out}/predictions.parquet and ${out}/report.json`);
  });
}
