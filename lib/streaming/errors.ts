import { ClickstreamError } from "clickstream/config";

/** A streaming query, a replay or a daily batch could not go on. */
export class StreamError extends ClickstreamError {}
