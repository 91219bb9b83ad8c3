import { ConfigError } from "clickstream/config";
import {
  type DeclaredParameter,
  declaredParameters,
  parameterFromText,
  type Parameters,
  type ParameterValue,
  readNotebook,
} from "../notebook/mod.ts";
import type { JobDefinition } from "../run/mod.ts";
import type { RunmeOptions } from "./options.ts";

/** The job's parameters, and those of them that each task's notebook declares. */
export interface JobParameters {
  parameters: Parameters;
  taskParameters: Record<string, Parameters>;
}

/**
 * The values that notebooks are given: `job` true, the replay at full speed, and what the options
 * say; `--param` wins.
 *
 * @throws {ConfigError} when no notebook of the job declares a `--param`
 * @throws {NotebookError} when a value does not fit what its notebook declares
 */
export async function jobParameters(
  job: JobDefinition,
  options: RunmeOptions,
): Promise<JobParameters> {
  const declared = await declaredByTask(job);
  checkNames(options.parameters, declared);
  const common = commonParameters(options);
  const parameters: Parameters = { ...common, ...options.parameters };
  const taskParameters = Object.fromEntries(
    Object.entries(declared).map(([key, all]) => [key, valuesFor(all, common, options.parameters)]),
  );
  return { parameters, taskParameters };
}

function commonParameters(options: RunmeOptions): Parameters {
  const { data = "synthetic", size = 200_000, speed = "max", profile = "local" } = options;
  return {
    job: true,
    data,
    size,
    speed,
    profile,
    ...(options.cutoff === undefined ? {} : { cutoff: options.cutoff }),
    ...(options.map === undefined ? {} : { map: options.map }),
  };
}

function valuesFor(
  declared: DeclaredParameter[],
  common: Parameters,
  texts: Record<string, string>,
): Parameters {
  const values: Parameters = {};
  for (const parameter of declared) {
    const text = texts[parameter.name];
    const value = text === undefined
      ? asDeclared(parameter, common[parameter.name])
      : parameterFromText(parameter, text);
    if (value !== undefined) values[parameter.name] = value;
  }
  return values;
}

/** A notebook may declare a number or a word as a text only. */
function asDeclared(
  { type }: DeclaredParameter,
  value: ParameterValue | undefined,
): ParameterValue | undefined {
  return type === "string" && typeof value === "number" ? String(value) : value;
}

async function declaredByTask(job: JobDefinition): Promise<Record<string, DeclaredParameter[]>> {
  const rows = job.tasks.map(async (task): Promise<[string, DeclaredParameter[]]> => [
    task.key,
    declaredParameters(await readNotebook(task.notebook)),
  ]);
  return Object.fromEntries(await Promise.all(rows));
}

function checkNames(
  texts: Record<string, string>,
  declared: Record<string, DeclaredParameter[]>,
): void {
  const known = new Set(Object.values(declared).flat().map(({ name }) => name));
  const unknown = Object.keys(texts).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new ConfigError(
    `No notebook has a parameter "${unknown}"; they have ${[...known].sort().join(", ")}.`,
  );
}
