import { NotFoundError } from "clickstream/config";
import type { Signature } from "clickstream/model";
import type { ModelInput, ModelSource, Servable } from "./types.ts";

const KINDS = { double: "numeric", string: "text", datetime: "time" } as const satisfies Record<
  Signature["inputs"][number]["type"],
  ModelInput["kind"]
>;

/**
 * Models of a registry folder. The model library is loaded at the first use.
 *
 * @param registry folder of registered models
 */
export function registryModels(registry: string): ModelSource {
  return {
    async resolve(name, version) {
      const { describeVersion, RegistryError } = await import("clickstream/model");
      try {
        return (await describeVersion(registry, name, version)).version;
      } catch (error) {
        if (!(error instanceof RegistryError) || await isListed(registry, name, version)) {
          throw error;
        }
        throw new NotFoundError(error.message, { cause: error });
      }
    },
    async load(name, version) {
      const { loadModel, scoreRows } = await import("clickstream/model");
      const model = await loadModel(registry, name, version);
      const inputs = model.registered.signature.inputs
        .map((column): ModelInput => ({ name: column.name, kind: KINDS[column.type] }));
      return { name, version, inputs, score: (rows) => scoreRows(model, rows) } satisfies Servable;
    },
  };
}

/** Whether the registry knows the version, so that a failure means broken files. */
async function isListed(registry: string, name: string, version: string): Promise<boolean> {
  const { listVersions } = await import("clickstream/model");
  try {
    return (await listVersions(registry, name))
      .some((one) => String(one.version) === version || one.aliases.includes(version));
  } catch {
    return true;
  }
}
