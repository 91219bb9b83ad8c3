import type { Json } from "../json.ts";
import type { Query } from "./ast.ts";
import type { Parameters, Row } from "./compile.ts";
import { planQuery } from "./plan.ts";

/** Makes a subquery ready: for each outer row, the values it answers with. */
export function runSubquery(query: Query, parameters: Parameters): (outer: Row) => Json[] {
  const plan = planQuery(query, parameters);
  return (outer) => plan.run([outer], false);
}
