/** Registered models: versions, aliases, stages, signatures. */
export { signatureOf } from "./registry.ts";
export {
  archiveOlder,
  describeVersion,
  listModels,
  listVersions,
  loadModel,
  registerModel,
  setAlias,
  setStage,
} from "./registry.ts";
export type {
  LoadedModel,
  RegisterOptions,
  Signature,
  SignatureColumn,
  Stage,
  VersionInfo,
} from "./version.ts";
