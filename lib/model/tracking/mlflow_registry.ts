import { RegistryError } from "../errors.ts";
import type { TrainedModel } from "../model.ts";
import { type Artefacts, fromArtefacts, MODEL_FILE, NETWORK_FILES } from "../registry/artefacts.ts";
import { mlflowCall, type MlflowOptions, mlflowTracker } from "./mlflow.ts";

/** What to record with a version on an MLflow server. */
export interface MlflowVersionOptions {
  name: string;
  /** The run that holds the model's files, from {@link trackModel}. */
  runId: string;
  /** @default "" */
  description?: string;
  tags?: Record<string, string>;
}

/** A version as an MLflow server knows it. */
export interface MlflowVersion {
  version: number;
  runId: string;
  stage: string;
  aliases: string[];
  description: string;
  tags: Record<string, string>;
}

/**
 * Registers a run's model as the next version of its name.
 *
 * @returns the version
 * @throws {RegistryError} the server is out of reach or refuses
 */
export async function registerInMlflow(
  options: MlflowOptions,
  { name, runId, description = "", tags = {} }: MlflowVersionOptions,
): Promise<number> {
  const call = mlflowCall(options);
  try {
    await call("POST", "registered-models/create", { name });
  } catch (error) {
    if ((error as Error).cause !== "RESOURCE_ALREADY_EXISTS") throw error;
  }
  const { run } = await call<{ run: { info: { artifact_uri: string } } }>("GET", "runs/get", {
    run_id: runId,
  });
  const made = await call<{ model_version: { version: string } }>("POST", "model-versions/create", {
    name,
    run_id: runId,
    source: `${run.info.artifact_uri}/model`,
    description,
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
  });
  return Number(made.model_version.version);
}

/** Points an alias of a registered model at a version. */
export async function setAliasInMlflow(
  options: MlflowOptions,
  name: string,
  alias: string,
  version: number,
): Promise<void> {
  const body = { name, alias, version: String(version) };
  await mlflowCall(options)("POST", "registered-models/alias", body);
}

/** The versions of a registered model, oldest first. */
export async function listVersionsInMlflow(
  options: MlflowOptions,
  name: string,
): Promise<MlflowVersion[]> {
  const call = mlflowCall(options);
  const { model_versions = [] } = await call<{ model_versions?: RawVersion[] }>(
    "GET",
    "model-versions/search",
    { filter: `name='${name.replaceAll("'", "")}'` },
  );
  const versions = await Promise.all(model_versions.map(async ({ version }) => {
    const found = await call<{ model_version: RawVersion }>("GET", "model-versions/get", {
      name,
      version,
    });
    return toVersion(found.model_version);
  }));
  return versions.sort((a, b) => a.version - b.version);
}

/**
 * Loads the model that an alias or version names.
 *
 * @throws {RegistryError} there is no such version, or its run lacks the model's files
 */
export async function loadFromMlflow(
  options: MlflowOptions,
  name: string,
  reference: string | number = "production",
): Promise<TrainedModel & { mlflow: MlflowVersion }> {
  const call = mlflowCall(options);
  const { model_version } = typeof reference === "number"
    ? await call<{ model_version: RawVersion }>("GET", "model-versions/get", {
      name,
      version: String(reference),
    })
    : await call<{ model_version: RawVersion }>("GET", "registered-models/alias", {
      name,
      alias: reference,
    });
  const version = toVersion(model_version);
  const tracker = mlflowTracker(options);
  const { artefacts } = await tracker.readRun(version.runId);
  const files: Artefacts = {};
  for (const file of [MODEL_FILE, NETWORK_FILES.topology, NETWORK_FILES.weights]) {
    if (!artefacts.includes(`model/${file}`)) continue;
    files[file] = await tracker.readArtefact(version.runId, `model/${file}`);
  }
  if (files[MODEL_FILE] === undefined) {
    throw new RegistryError(`Run ${version.runId} of ${name} holds no model; register it again.`);
  }
  return { ...fromArtefacts(files), mlflow: version };
}

interface RawVersion {
  version: string;
  run_id: string;
  current_stage?: string;
  aliases?: string[];
  description?: string;
  tags?: { key: string; value: string }[];
}

function toVersion(raw: RawVersion): MlflowVersion {
  return {
    version: Number(raw.version),
    runId: raw.run_id,
    stage: raw.current_stage ?? "None",
    aliases: raw.aliases ?? [],
    description: raw.description ?? "",
    tags: Object.fromEntries((raw.tags ?? []).map(({ key, value }) => [key, value])),
  };
}
