import { ClickstreamError } from "clickstream/config";

/** A file, row or message does not have the shape of shop events. */
export class SchemaError extends ClickstreamError {}

/** A download failed: the address did not answer, or what came is not what was expected. */
export class DownloadError extends ClickstreamError {}
