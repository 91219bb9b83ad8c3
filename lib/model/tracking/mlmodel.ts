import type { TrainedModel } from "../model.ts";
import { signatureOf } from "../registry/registry.ts";
import type { SignatureColumn } from "../registry/version.ts";

/** Name of MLflow's description of a model's files. */
export const MLMODEL_FILE = "MLmodel";

/**
 * MLflow's description of a model folder (YAML): our flavour and the signature, which MLflow shows as
 * the version's schema. Any input may be missing.
 */
export function mlmodelText(model: TrainedModel): string {
  const { inputs, outputs } = signatureOf(model);
  const schema = (columns: SignatureColumn[], required: boolean) =>
    JSON.stringify(JSON.stringify(
      columns.map(({ name, type }) => ({ type, name, required })),
    ));
  return [
    "artifact_path: model",
    "flavors:",
    "  clickstream:",
    `    format: ${model.format}`,
    `    kind: ${model.kind}`,
    `utc_time_created: ${JSON.stringify(model.trainedAt.replace("T", " ").replace("Z", ""))}`,
    "signature:",
    `  inputs: ${schema(inputs, false)}`,
    `  outputs: ${schema(outputs, true)}`,
    "  params: null",
    "",
  ].join("\n");
}
