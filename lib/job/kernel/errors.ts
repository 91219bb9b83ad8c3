import { ClickstreamError } from "clickstream/config";

/** The kernel could not be started, died, or answered something that is not the Jupyter protocol. */
export class KernelError extends ClickstreamError {}
