import type { TrainedModel } from "../model.ts";
import { toArtefacts } from "../registry/artefacts.ts";
import type { Tuning } from "../tuning/network_tuning.ts";
import { MLMODEL_FILE, mlmodelText } from "./mlmodel.ts";
import { modelCard } from "./model_card.ts";
import type { RunStart, Tracker } from "./tracker.ts";

/**
 * Keeps a training as a run: parameters, scores, the passes and trials as metrics with steps, and the
 * model's files with its card as artefacts under `model/`.
 *
 * @returns the run's id
 */
export async function trackModel(
  tracker: Tracker,
  model: TrainedModel,
  start: RunStart & { tuning?: Tuning },
): Promise<string> {
  const run = await tracker.startRun(start);
  try {
    await run.logParameters({
      ...model.parameters,
      kind: model.kind,
      seed: model.seed,
      backend: model.backend.name,
      calibration: model.calibration.kind,
      features: model.features.length,
    });
    for (const { epoch, loss, validationAveragePrecision } of model.epochs) {
      await run.logMetrics({ loss, validationAveragePrecision }, epoch);
    }
    for (const trial of start.tuning?.trials ?? []) {
      const found = trial.loss === null ? null : 1 - trial.loss;
      await run.logMetrics({ trialAveragePrecision: found }, trial.number);
    }
    for (const part of ["validation", "test"] as const) {
      const scores = Object.entries(model.scores[part] ?? {});
      await run.logMetrics(
        Object.fromEntries(scores.map(([name, value]) => [`${part}_${name}`, value])),
      );
    }
    for (const [name, content] of Object.entries(toArtefacts(model))) {
      await run.logArtefact(`model/${name}`, content);
    }
    await run.logArtefact(`model/${MLMODEL_FILE}`, mlmodelText(model));
    await run.logArtefact("model/MODEL_CARD.md", modelCard(model));
    await run.end();
  } catch (error) {
    await run.end("FAILED").catch(() => {});
    throw error;
  }
  return run.id;
}
