import type pl from "nodejs-polars";
import { loadBackend } from "./backend.ts";
import { calibrated } from "./calibration.ts";
import { columnsOf, type ColumnTable, type PlainRow } from "./columns.ts";
import { ModelError } from "./errors.ts";
import { encodeRow, encodeRows, encodeTable } from "./features/encode.ts";
import type { Encoded } from "./features/preprocessing.ts";
import type { TrainedModel } from "./model.ts";
import { FEW_ROWS, logitsOfFew, logitsOfMany } from "./network/forward.ts";
import { rateOf, ratesOf } from "./rates.ts";

/**
 * P(label = 1) of plain rows, by the preprocessing the model was trained with. A feature that is
 * null or absent counts as missing. Few rows go through plain loops, many through TensorFlow.
 *
 * @throws {ModelError} a row carries none of the model's features, or a value of a wrong kind
 */
export async function scoreRows(model: TrainedModel, rows: PlainRow[]): Promise<Float64Array> {
  for (const row of rows) checkRow(model, row);
  if (model.kind === "rate") return Float64Array.from(rows, (row) => rateOf(model.rates, row));
  return await probabilities(model, encodeRows(model.preprocessing!, rows));
}

/** P(label = 1) of one plain row, at once (no tensor, no promise): the serving path. */
export function scoreRow(model: TrainedModel, row: PlainRow): number {
  checkRow(model, row);
  if (model.kind === "rate") return rateOf(model.rates, row);
  const [logit] = logitsOfFew(model.network!, encodeRow(model.preprocessing!, row));
  return calibrated(model.calibration, logit!);
}

/**
 * P(label = 1) of every row of a polars frame that has the model's feature columns.
 *
 * @throws {ModelError} a feature column is missing or of another kind
 */
export async function scoreFrame(model: TrainedModel, frame: pl.DataFrame): Promise<Float64Array> {
  const names = neededColumns(model).filter((name) => frame.columns.includes(name));
  const kinds = new Map(model.preprocessing?.columns.map(({ name, kind }) => [name, kind]));
  return await scoreTable(model, await columnsOf(frame, names, kinds));
}

/** P(label = 1) of every row of a column table. */
export async function scoreTable(model: TrainedModel, table: ColumnTable): Promise<Float64Array> {
  if (model.kind === "rate") return ratesOf(model.rates, table);
  return await probabilities(model, encodeTable(model.preprocessing!, table));
}

/** The model's features that a plain row does not carry at all (null counts as carried). */
export function absentFeatures(model: TrainedModel, row: PlainRow): string[] {
  return neededColumns(model).filter((name) => row[name] === undefined);
}

function neededColumns(model: TrainedModel): string[] {
  if (model.preprocessing === null) return [model.rates.column];
  return model.preprocessing.columns.map(({ name }) => name);
}

function checkRow(model: TrainedModel, row: PlainRow): void {
  const needed = neededColumns(model);
  for (const name of needed) if (row[name] !== undefined) return;
  const shown = needed.slice(0, 5).join(", ") + (needed.length > 5 ? ", …" : "");
  throw new ModelError(
    `The row carries none of the ${needed.length} features the model reads (${shown}); ` +
      `it has ${Object.keys(row).slice(0, 5).join(", ") || "nothing"}.`,
  );
}

async function probabilities(model: TrainedModel, inputs: Encoded): Promise<Float64Array> {
  const network = model.network!;
  const logits = inputs.rows <= FEW_ROWS
    ? logitsOfFew(network, inputs)
    : await logitsOfMany((await loadBackend()).tf, network, inputs);
  return logits.map((logit) => calibrated(model.calibration, logit));
}
