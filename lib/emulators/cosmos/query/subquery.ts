import type { Json } from "../json.ts";
import type { Query } from "./ast.ts";
import type { Parameters, Row } from "./compile.ts";
import { planQuery } from "./plan.ts";

const CHECKED_WITH_THE_OUTER_QUERY: ReadonlySet<string> = new Set();

/** Makes a subquery ready: for each outer row, the values it answers with. */
export function runSubquery(query: Query, parameters: Parameters): (outer: Row) => Json[] {
  const plan = planQuery(query, parameters, CHECKED_WITH_THE_OUTER_QUERY);
  return (outer) => plan.runFor(outer);
}
