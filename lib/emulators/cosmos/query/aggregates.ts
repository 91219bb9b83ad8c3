import { compareValues, rankOf, type Value } from "./values.ts";

/** An aggregate under way: takes values one by one, so that nothing is kept of the items. */
export interface Accumulator {
  add(value: Value): void;
  result(): Value;
}

const ACCUMULATORS: Record<string, () => Accumulator> = {
  COUNT: () => {
    let count = 0;
    return { add: (value) => void (value === undefined || count++), result: () => count };
  },
  SUM: () => numbers((sum) => sum),
  AVG: () => numbers((sum, count) => count === 0 ? undefined : sum / count),
  MIN: () => extreme(-1),
  MAX: () => extreme(1),
};

/** Starts the aggregate of that upper-case name; undefined when the name is no aggregate's. */
export function startAggregate(name: string): Accumulator | undefined {
  return Object.hasOwn(ACCUMULATORS, name) ? ACCUMULATORS[name]!() : undefined;
}

/** Whether this upper-case name is an aggregate's. */
export function isAggregate(name: string): boolean {
  return Object.hasOwn(ACCUMULATORS, name);
}

/** Over numbers only: a single other value makes the result undefined, as in the service. */
function numbers(finish: (sum: number, count: number) => Value): Accumulator {
  let [sum, count, pure] = [0, 0, true];
  return {
    add(value) {
      if (value === undefined) return;
      if (typeof value !== "number") pure = false;
      else [sum, count] = [sum + value, count + 1];
    },
    result: () => pure ? finish(sum, count) : undefined,
  };
}

/** Smallest or largest by the order over types; arrays and objects have no place in it. */
function extreme(sign: number): Accumulator {
  let best: Value;
  let pure = true;
  return {
    add(value) {
      if (value === undefined) return;
      if (rankOf(value) > 4) pure = false;
      else if (best === undefined || compareValues(value, best) * sign > 0) best = value;
    },
    result: () => pure ? best : undefined,
  };
}
