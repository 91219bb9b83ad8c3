import type { TrainedModel } from "../model.ts";
import type { Scores } from "../scores/summary.ts";

/** A model card in Markdown: what the model is for, what it saw, how good it is, what to beware of. */
export function modelCard(model: TrainedModel): string {
  const { rows, preprocessing } = model;
  const parts = (["train", "validation", "test"] as const).map((part) => {
    const { rows: count, positives, carts } = rows[part];
    return `| ${part} | ${count} | ${positives} | ${carts ?? "not known"} |`;
  });
  const network = model.network?.layers.map(({ inputs }) => inputs).concat(1).join(" - ");
  return [
    "# Purchase propensity",
    "",
    "The probability that a product in a cart will be bought later in that cart, at a moment of the " +
    "session, from what was known at that moment.",
    "",
    model.kind === "network"
      ? `A dense network (${network}), calibrated (${model.calibration.kind}), trained ` +
        `${model.trainedAt} on ${model.backend.name} ${model.backend.version}, seed ${model.seed}.`
      : "The rate by last event type: there were too few positive rows for a network.",
    ...model.notes.map((note) => `\n${note}`),
    "",
    "## Rows",
    "| part | rows | positive | carts |",
    "|---|---|---|---|",
    ...parts,
    "",
    "Rows of one cart are all in one part. Carts still open at the end of history are left out.",
    "",
    "## Scores",
    "| model | rows | average precision | ROC AUC | Brier | log loss | calibration error |",
    "|---|---|---|---|---|---|---|",
    scoreLine("this model, test", model.scores.test),
    scoreLine("this model, validation", model.scores.validation),
    ...Object.entries(model.baselines).map(([name, { test }]) => scoreLine(`${name}, test`, test)),
    "",
    `Threshold ${model.threshold.toFixed(4)}, chosen on validation rows.`,
    "",
    "## Features",
    model.features.join(", "),
    ...(preprocessing?.dropped ?? []).map(({ name, reason }) => `\nLeft out: ${name} ${reason}.`),
    "",
    "## Beware",
    "It ranks moments of one shop; another shop, season or price policy needs its own training. " +
    "It says nothing about people, and must not be used to set a person's price.",
    "",
  ].join("\n");
}

function scoreLine(name: string, scores: Scores | null): string {
  if (scores === null) return `| ${name} | 0 | | | | | |`;
  const { averagePrecision, rocAuc, brier, logLoss, calibrationError } = scores;
  const shown = [averagePrecision, rocAuc, brier, logLoss, calibrationError]
    .map((value) => value === null ? "undefined" : value.toFixed(4));
  return `| ${name} | ${scores.rows} | ${shown.join(" | ")} |`;
}
