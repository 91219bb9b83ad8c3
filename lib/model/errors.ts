import { ClickstreamError } from "clickstream/config";

/** Training rows, a model or its parameters cannot be used as given. */
export class ModelError extends ClickstreamError {}

/** A registered model, version or alias is missing, or its files are broken. */
export class RegistryError extends ClickstreamError {}
