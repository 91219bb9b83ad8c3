import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { RegistryError } from "../errors.ts";
import type { TrainedModel } from "../model.ts";
import { type Artefacts, fromArtefacts, MODEL_FILE, toArtefacts } from "./artefacts.ts";
import { readJson, sha256, toJson, writeWhole } from "./files.ts";
import type {
  LoadedModel,
  RegisterOptions,
  Signature,
  SignatureColumn,
  Stage,
  VersionInfo,
} from "./version.ts";

/**
 * Stores a model as the next version of its name: the version's folder appears whole, or not at all.
 *
 * @returns the version, counted from 1
 * @throws {RegistryError} the name is not usable as a folder
 */
export async function registerModel(
  registry: string,
  model: TrainedModel,
  options: RegisterOptions,
): Promise<number> {
  const folder = join(registry, checkName(options.name), "versions");
  await mkdir(folder, { recursive: true });
  const artefacts = toArtefacts(model);
  for (;;) {
    const version = Math.max(0, ...await versionsIn(folder)) + 1;
    const beside = join(folder, `.${version}.${process.pid}.${crypto.randomUUID()}`);
    await writeVersion(beside, artefacts, infoOf(model, options, version, artefacts));
    try {
      await rename(beside, join(folder, String(version)));
      return version;
    } catch (error) {
      await rm(beside, { recursive: true, force: true });
      if (!existsSync(join(folder, String(version)))) throw error;
    }
  }
}

/**
 * Points an alias (`production`, …) at a version. `production` also sets the stages: Production for
 * that version, None for the one before it (see {@link archiveOlder}).
 *
 * @throws {RegistryError} the version does not exist
 */
export async function setAlias(
  registry: string,
  name: string,
  alias: string,
  version: number,
): Promise<void> {
  checkName(alias);
  const folder = versionFolder(registry, name, version);
  if (!existsSync(folder)) throw await unknownVersion(registry, name, version);
  const before = (await aliasesOf(registry, name)).get(alias);
  await writeWhole(join(registry, name, "aliases", alias), `${version}\n`);
  if (alias !== "production") return;
  await setStage(registry, name, version, "Production");
  if (before !== undefined && before !== version) await setStage(registry, name, before, "None");
}

/** Sets the stage of a version. */
export async function setStage(
  registry: string,
  name: string,
  version: number,
  stage: Stage,
): Promise<void> {
  const folder = versionFolder(registry, name, version);
  if (!existsSync(folder)) throw await unknownVersion(registry, name, version);
  await writeWhole(join(folder, "stage"), `${stage}\n`);
}

/**
 * Archives every version below `than` (default: the production version) that no alias points at.
 *
 * @returns the versions archived now
 */
export async function archiveOlder(
  registry: string,
  name: string,
  than?: number,
): Promise<number[]> {
  const versions = await listVersions(registry, name);
  const limit = than ?? versions.find(({ aliases }) => aliases.includes("production"))?.version ??
    0;
  const older = versions.filter(({ version, stage, aliases }) =>
    version < limit && stage !== "Archived" && aliases.length === 0
  );
  for (const { version } of older) await setStage(registry, name, version, "Archived");
  return older.map(({ version }) => version);
}

/** All versions of a name, oldest first; none when the name is unknown. */
export async function listVersions(registry: string, name: string): Promise<VersionInfo[]> {
  const folder = join(registry, checkName(name), "versions");
  if (!existsSync(folder)) return [];
  const aliases = await aliasesOf(registry, name);
  const versions = (await versionsIn(folder)).sort((a, b) => a - b);
  return await Promise.all(versions.map((version) => readInfo(registry, name, version, aliases)));
}

/** Names of the registered models. */
export async function listModels(registry: string): Promise<string[]> {
  if (!existsSync(registry)) return [];
  const entries = await readdir(registry, { withFileTypes: true });
  return entries.filter((entry) =>
    entry.isDirectory() && existsSync(join(registry, entry.name, "versions"))
  ).map(({ name }) => name).sort();
}

/**
 * What the registry knows of the version that an alias or number names.
 *
 * @throws {RegistryError} no such alias or version, or its record is broken
 */
export async function describeVersion(
  registry: string,
  name: string,
  reference: string | number = "production",
): Promise<VersionInfo> {
  const aliases = await aliasesOf(registry, checkName(name));
  const version = typeof reference === "number" || /^\d+$/.test(reference)
    ? Number(reference)
    : aliases.get(reference);
  if (version === undefined || !existsSync(versionFolder(registry, name, version))) {
    throw await unknownVersion(registry, name, reference);
  }
  return await readInfo(registry, name, version, aliases);
}

/**
 * Loads a registered model; its files are checked against the recorded sha256 first.
 *
 * @param reference an alias or a version
 * @throws {RegistryError} no such alias or version, or a file is missing or changed
 */
export async function loadModel(
  registry: string,
  name: string,
  reference: string | number = "production",
): Promise<LoadedModel> {
  const registered = await describeVersion(registry, name, reference);
  const folder = versionFolder(registry, name, registered.version);
  const files: Artefacts = {};
  for (const [file, recorded] of Object.entries(registered.files)) {
    const content = await readFile(join(folder, file)).catch((cause) => {
      throw broken(registered, `${file} is missing`, cause);
    });
    if (sha256(content) !== recorded) throw broken(registered, `${file} was changed`);
    files[file] = content;
  }
  if (files[MODEL_FILE] === undefined) throw broken(registered, `${MODEL_FILE} is not recorded`);
  return { ...fromArtefacts(files), registered };
}

async function writeVersion(folder: string, artefacts: Artefacts, info: unknown): Promise<void> {
  await mkdir(folder);
  for (const [file, content] of Object.entries(artefacts)) {
    await writeFile(join(folder, file), content);
  }
  await writeFile(join(folder, "version.json"), toJson(info));
}

function infoOf(
  model: TrainedModel,
  options: RegisterOptions,
  version: number,
  artefacts: Artefacts,
): Omit<VersionInfo, "stage" | "aliases"> {
  return {
    name: options.name,
    version,
    createdAt: new Date().toISOString(),
    description: options.description ?? "",
    metrics: options.metrics ?? scoresOf(model),
    tags: options.tags ?? {},
    signature: signatureOf(model),
    features: model.features,
    trainingTable: options.trainingTable ?? null,
    lookups: options.lookups ?? null,
    files: Object.fromEntries(
      Object.entries(artefacts).map(([file, content]) => [file, sha256(content)]),
    ),
  };
}

/** The columns that a model reads and what it answers. */
export function signatureOf(model: TrainedModel): Signature {
  const types = { numeric: "double", text: "string", time: "datetime" } as const;
  const inputs = model.preprocessing?.columns.map(({ name, kind }): SignatureColumn => ({
    name,
    type: types[kind],
  }));
  return {
    inputs: inputs ?? [{ name: model.rates.column, type: "string" }],
    outputs: [{ name: "p", type: "double" }],
  };
}

function scoresOf(model: TrainedModel): Record<string, number> {
  const scores = model.scores.test ?? model.scores.validation ?? {};
  return Object.fromEntries(
    Object.entries(scores).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}

async function readInfo(
  registry: string,
  name: string,
  version: number,
  aliases: Map<string, number>,
): Promise<VersionInfo> {
  const folder = versionFolder(registry, name, version);
  const info = await readJson<Omit<VersionInfo, "stage" | "aliases">>(
    join(folder, "version.json"),
    `record of ${name} version ${version}`,
  );
  const stage = existsSync(join(folder, "stage"))
    ? (await readFile(join(folder, "stage"), "utf8")).trim() as Stage
    : "None";
  const own = [...aliases].filter(([, at]) => at === version).map(([alias]) => alias);
  return { ...info, stage, aliases: own };
}

async function aliasesOf(registry: string, name: string): Promise<Map<string, number>> {
  const folder = join(registry, name, "aliases");
  const aliases = new Map<string, number>();
  if (!existsSync(folder)) return aliases;
  for (const alias of await readdir(folder)) {
    if (alias.startsWith(".")) continue;
    const version = Number((await readFile(join(folder, alias), "utf8")).trim());
    if (Number.isInteger(version) && version > 0) aliases.set(alias, version);
  }
  return aliases;
}

async function versionsIn(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter((entry) => /^\d+$/.test(entry)).map(Number);
}

function versionFolder(registry: string, name: string, version: number): string {
  return join(registry, checkName(name), "versions", String(version));
}

function checkName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) return name;
  throw new RegistryError(
    `"${name}" cannot name a model or alias: use letters, digits, _, - and .`,
  );
}

async function unknownVersion(
  registry: string,
  name: string,
  reference: string | number,
): Promise<RegistryError> {
  const folder = join(registry, name, "versions");
  const known = existsSync(folder) ? (await versionsIn(folder)).sort((a, b) => a - b) : [];
  if (known.length === 0) {
    return new RegistryError(
      `No model ${name} is registered: run notebook 1b (or deno task train) first.`,
    );
  }
  const aliases = [...(await aliasesOf(registry, name)).keys()];
  return new RegistryError(
    `Model ${name} has no version or alias ${reference}; it has versions ${known.join(", ")}` +
      (aliases.length === 0 ? " and no alias." : ` and aliases ${aliases.join(", ")}.`),
  );
}

function broken(info: VersionInfo, what: string, cause?: unknown): RegistryError {
  return new RegistryError(
    `Model ${info.name} version ${info.version} is broken: ${what}. Register it again, or load another version.`,
    { cause },
  );
}
