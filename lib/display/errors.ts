import { ClickstreamError } from "clickstream/config";

/** Something handed to a show helper cannot be shown as it is. */
export class DisplayError extends ClickstreamError {}
