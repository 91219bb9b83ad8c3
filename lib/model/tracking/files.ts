import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join, normalize, sep } from "node:path";
import { RegistryError } from "../errors.ts";
import { readJson, toJson, writeWhole } from "../registry/files.ts";
import {
  asText,
  finiteMetrics,
  type MetricValue,
  type Run,
  type RunRecord,
  type RunStart,
  type Tracker,
} from "./tracker.ts";

type Head = Omit<RunRecord, "metrics" | "artefacts">;

/** Keeps runs as files below a folder: run.json, metrics.jsonl and artefacts/ each. */
export function fileTracker(folder: string): Tracker {
  const place = (id: string) => {
    if (/^[\w-]+$/.test(id)) return join(folder, id);
    throw new RegistryError(`"${id}" is no run.`);
  };
  return {
    kind: "files",
    startRun: (start) => startRun(folder, start),
    readRun: (id) => readRun(place(id), id),
    listRuns: (experiment) => listRuns(folder, experiment),
    readArtefact: async (id, name) => {
      const file = artefactPath(place(id), name);
      return await readFile(file).catch((cause) => {
        throw new RegistryError(`Run ${id} has no artefact ${name}.`, { cause });
      });
    },
  };
}

async function startRun(folder: string, start: RunStart): Promise<Run> {
  const id = crypto.randomUUID().replaceAll("-", "");
  const place = join(folder, id);
  const head: Head = {
    id,
    experiment: start.experiment,
    name: start.name,
    status: "RUNNING",
    startedAt: Date.now(),
    endedAt: null,
    parameters: {},
    tags: start.tags ?? {},
  };
  await mkdir(join(place, "artefacts"), { recursive: true });
  // One write after another, so that the newest head is the one that stays.
  let writing: Promise<void> = Promise.resolve();
  const save = () =>
    writing = writing.then(() => writeWhole(join(place, "run.json"), toJson(head)));
  await save();
  return {
    id,
    logParameters: (parameters) => {
      for (const [key, value] of Object.entries(parameters)) head.parameters[key] = asText(value);
      return save();
    },
    logMetrics: async (metrics, step = 0) => {
      const lines = finiteMetrics(metrics, step).map((metric) => JSON.stringify(metric) + "\n");
      await appendFile(join(place, "metrics.jsonl"), lines.join(""));
    },
    setTags: (tags) => {
      Object.assign(head.tags, tags);
      return save();
    },
    logArtefact: async (name, content) => await writeWhole(artefactPath(place, name), content),
    end: (status = "FINISHED") => {
      head.status = status;
      head.endedAt = Date.now();
      return save();
    },
  };
}

async function readRun(place: string, id: string): Promise<RunRecord> {
  if (!existsSync(place)) throw new RegistryError(`There is no run ${id}.`);
  const head = await readJson<Head>(join(place, "run.json"), `run ${id}`);
  const metrics = join(place, "metrics.jsonl");
  const lines = existsSync(metrics) ? (await readFile(metrics, "utf8")).split("\n") : [];
  const artefacts = await readdir(join(place, "artefacts"), {
    recursive: true,
    withFileTypes: true,
  });
  return {
    ...head,
    // A torn last line belongs to a run that was killed while it wrote.
    metrics: lines.flatMap((line): MetricValue[] => line.endsWith("}") ? [JSON.parse(line)] : []),
    artefacts: artefacts.filter((entry) => entry.isFile())
      .map(({ parentPath, name }) =>
        join(parentPath, name).slice(join(place, "artefacts").length + 1)
      )
      .sort(),
  };
}

async function listRuns(folder: string, experiment: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const heads = await Promise.all(
    (await readdir(folder)).filter((id) => existsSync(join(folder, id, "run.json")))
      .map((id) => readJson<Head>(join(folder, id, "run.json"), `run ${id}`)),
  );
  return heads.filter((head) => head.experiment === experiment)
    .sort((a, b) => a.startedAt - b.startedAt).map(({ id }) => id);
}

function artefactPath(place: string, name: string): string {
  const inside = normalize(name);
  if (inside.startsWith("..") || inside.startsWith(sep)) {
    throw new RegistryError(`"${name}" cannot name an artefact: it leaves the run's folder.`);
  }
  return join(place, "artefacts", inside);
}
