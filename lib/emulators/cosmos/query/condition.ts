import type { JsonObject } from "../json.ts";
import { compile } from "./compile.ts";
import { parseCondition } from "./parser.ts";

/** Whether an item meets a condition. */
export type Predicate = (item: JsonObject) => boolean;

/**
 * Makes the condition of a patch ready: `FROM c WHERE c.version <= 5`.
 *
 * @throws {CosmosFailure} 400
 */
export function compileCondition(text: string): Predicate {
  const { alias, where } = parseCondition(text);
  const test = compile(where, new Map());
  return (item) => test({ [alias]: item }) === true;
}
