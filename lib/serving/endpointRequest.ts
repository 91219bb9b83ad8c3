import { z } from "zod";
import { ApiError } from "./errors.ts";

/** A request to create an endpoint, read. */
export interface EndpointRequest {
  name: string;
  config: {
    /** Name of the served entity. */
    name: string;
    /** Registered model. */
    model: string;
    /** A version number or an alias, which is followed. */
    version: string;
  };
  tags: { key: string; value: string }[];
}

const endpointName = z.string().regex(
  /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/,
  "must be 1 to 63 letters, digits, _ or -, the first a letter or digit",
);
const modelName = z.string().regex(
  /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,254}$/,
  "must be 1 to 255 letters, digits, _, . or -",
);
const version = z.union([
  z.number().int().positive().transform(String),
  z.string().regex(
    /^@?[a-zA-Z0-9_-]{1,63}$/,
    "must be a version number or an alias",
  ),
]).transform((text) => text.replace(/^@/, ""));

const entity = z.object({
  name: endpointName.optional(),
  entity_name: modelName.optional(),
  entity_version: version.optional(),
  model_name: modelName.optional(),
  model_version: version.optional(),
});
const config = z.object({
  served_entities: z.array(entity).length(1).optional(),
  served_models: z.array(entity).length(1).optional(),
});
const tag = z.object({ key: z.string().max(256), value: z.string().max(256).default("") });
const create = z.object({
  name: endpointName,
  config,
  tags: z.array(tag).max(20).default([]),
});

/**
 * Reads the body of `POST /api/2.0/serving-endpoints`. One entity is served; without a version the
 * alias `production` is followed.
 *
 * @throws {ApiError} INVALID_PARAMETER_VALUE naming the field
 */
export function readCreate(body: unknown): EndpointRequest {
  const read = create.safeParse(body);
  if (!read.success) throw wrong(read.error);
  const { name, tags } = read.data;
  return { name, tags, config: toConfig(read.data.config) };
}

/** Reads the body of `PUT /api/2.0/serving-endpoints/{name}/config`, as {@link readCreate} does. */
export function readConfig(body: unknown): EndpointRequest["config"] {
  const read = config.safeParse(body);
  if (!read.success) throw wrong(read.error);
  return toConfig(read.data);
}

function toConfig(given: z.infer<typeof config>): EndpointRequest["config"] {
  const one = (given.served_entities ?? given.served_models)?.[0];
  const model = one?.entity_name ?? one?.model_name;
  if (one === undefined || model === undefined) {
    throw new ApiError(
      "INVALID_PARAMETER_VALUE",
      "config.served_entities must hold one entity with entity_name, the registered model.",
    );
  }
  const wanted = one.entity_version ?? one.model_version ?? "production";
  return { name: one.name ?? model.replaceAll(".", "-").slice(0, 63), model, version: wanted };
}

function wrong(error: z.ZodError): ApiError {
  const issue = error.issues[0]!;
  const field = issue.path.length > 0 ? issue.path.join(".") : "The body";
  return new ApiError("INVALID_PARAMETER_VALUE", `${field}: ${issue.message}.`, { cause: error });
}
