import type { TrainedModel } from "../model.ts";

/** Where a version stands in its life. */
export type Stage = "None" | "Staging" | "Production" | "Archived";

/** A column of a model's input or output. */
export interface SignatureColumn {
  name: string;
  type: "double" | "string" | "datetime";
}

/** What a model reads and answers. Any input may be null. */
export interface Signature {
  inputs: SignatureColumn[];
  outputs: SignatureColumn[];
}

/** What is known of a registered version. */
export interface VersionInfo {
  name: string;
  version: number;
  createdAt: string;
  stage: Stage;
  aliases: string[];
  description: string;
  metrics: Record<string, number>;
  tags: Record<string, string>;
  signature: Signature;
  /** Raw columns the model reads, in order. */
  features: string[];
  /** The table the rows came from and its version; null when not told. */
  trainingTable: { name: string; version: number | null } | null;
  /** Feature look-ups that belong to the model (which keys give which features). */
  lookups: unknown;
  /** sha256 of each file. */
  files: Record<string, string>;
}

/** A model loaded from the registry, with what the registry knows of it. */
export type LoadedModel = TrainedModel & { registered: VersionInfo };

/** What to record with a new version. */
export interface RegisterOptions {
  /** Letters, digits, `_`, `-` and `.`. */
  name: string;
  /** @default "" */
  description?: string;
  /** @default the model's test scores, else its validation scores */
  metrics?: Record<string, number>;
  tags?: Record<string, string>;
  trainingTable?: { name: string; version: number | null };
  /** Anything that JSON can hold. */
  lookups?: unknown;
}
