import { ClickstreamError } from "clickstream/config";

/** What was delivered to the landing zone cannot be taken as it is. */
export class LandingError extends ClickstreamError {}

/** A count that must tie does not. */
export class TieError extends ClickstreamError {}
