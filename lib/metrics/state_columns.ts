import type { Further, MetricSet } from "./definition.ts";
import { TOTAL_UNITS } from "./further_sql.ts";

/** What the further columns count of an event. */
export interface CountedEvent {
  /** Microseconds since 1970. */
  eventTime: number;
  eventType: string;
  product_id: bigint;
  price: number | null;
}

/** A value of a further or kept column. Times are microseconds since 1970. */
export type StateValue = number | string | null;

/**
 * The streaming state of one {@link Further} column: a value per slot (slots are places that the
 * owner hands out to keys), in growing typed arrays where the kind allows. Counting does not depend
 * on the order of events.
 */
export interface StateColumn {
  readonly further: Further;
  /** Makes room for that many slots. */
  grow(capacity: number): void;
  /** Makes a slot empty. */
  clear(slot: number): void;
  /**
   * Counts an event of a slot.
   *
   * @param newest newest event time of the slot before this event; -Infinity without one
   */
  add(slot: number, event: CountedEvent, newest: number): void;
  /** How a slot's values are read, by column name; the kept column among them. */
  readonly readers: Readonly<Record<string, (slot: number) => StateValue>>;
  /** Takes over values as {@link readers} gave them. */
  restore(slot: number, values: Readonly<Record<string, StateValue>>): void;
}

/** Empty state of the set's further columns. */
export function stateColumns(set: MetricSet): StateColumn[] {
  return set.further.map((further) => {
    switch (further.kind) {
      case "first_time":
        return time(further, Infinity, (held, event) => Math.min(held, event.eventTime));
      case "previous_time":
        return time(further, -Infinity, (held, { eventTime }, newest) => {
          if (eventTime > newest) return newest;
          return eventTime < newest ? Math.max(held, eventTime) : held;
        });
      case "total":
        return total(further);
      case "latest":
        return latest(further);
      case "distinct":
        return distinct(further);
    }
  });
}

type OfKind<K> = Further & { kind: K };

/** How a number per slot is counted, and what it is to the outside. */
interface NumberRules {
  empty: number;
  next(held: number, event: CountedEvent, newest: number): number;
  value(held: number): number | null;
  held(value: number | null): number;
}

/** A time per slot; `empty` stands for none. */
function time(further: Further, empty: number, next: NumberRules["next"]): StateColumn {
  return numeric(further, {
    empty,
    next,
    value: (held) => held === empty ? null : held,
    held: (value) => value ?? empty,
  });
}

/** A sum per slot, held in whole ten-thousandths. */
function total(further: OfKind<"total">): StateColumn {
  return numeric(further, {
    empty: 0,
    next(held, event) {
      const value = event.eventType === further.eventType ? event[further.of] : null;
      return value === null ? held : held + units(value);
    },
    value: (held) => held / TOTAL_UNITS,
    held: (value) => Math.round((value ?? 0) * TOTAL_UNITS),
  });
}

function numeric(further: Further, rules: NumberRules): StateColumn {
  let held = new Float64Array(0);
  return {
    further,
    grow(capacity) {
      const larger = new Float64Array(capacity);
      larger.set(held);
      held = larger;
    },
    clear: (slot) => void (held[slot] = rules.empty),
    add: (slot, event, newest) => void (held[slot] = rules.next(held[slot]!, event, newest)),
    readers: { [further.name]: (slot) => rules.value(held[slot]!) },
    restore: (slot, values) =>
      void (held[slot] = rules.held(values[further.name] as number | null)),
  };
}

/** Whole ten-thousandths; halves away from zero, as SQL's round does. */
function units(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value) * TOTAL_UNITS);
}

function latest(further: OfKind<"latest">): StateColumn {
  const held: string[] = [];
  /** Texts that many slots share, held once. */
  const known = new Map<string, string>();
  const put = (slot: number, text: string) => {
    const shared = known.get(text) ?? text;
    known.set(shared, shared);
    held[slot] = shared;
  };
  return {
    further,
    grow: () => {},
    clear: (slot) => void (held[slot] = ""),
    add(slot, event, newest) {
      const { eventTime, eventType } = event;
      if (eventTime > newest || (eventTime === newest && eventType > held[slot]!)) {
        put(slot, eventType);
      }
    },
    readers: { [further.name]: (slot) => held[slot]! },
    restore: (slot, values) => put(slot, values[further.name] as string),
  };
}

/** Sorted values, only for slots that have some. */
function distinct(further: OfKind<"distinct">): StateColumn {
  const held = new Map<number, bigint[]>();
  return {
    further,
    grow: () => {},
    clear: (slot) => void held.delete(slot),
    add(slot, event) {
      if (event.eventType !== further.eventType) return;
      const values = held.get(slot);
      if (values === undefined) held.set(slot, [event[further.of]]);
      else insert(values, event[further.of]);
    },
    readers: {
      [further.name]: (slot) => held.get(slot)?.length ?? 0,
      [further.keptAs]: (slot) => `[${held.get(slot)?.join(", ") ?? ""}]`,
    },
    restore(slot, values) {
      const text = (values[further.keptAs] as string).slice(1, -1);
      if (text === "") held.delete(slot);
      else held.set(slot, text.split(",").map(BigInt));
    },
  };
}

/** Puts a value into its place in a sorted list, unless it is there. */
function insert(sorted: bigint[], value: bigint): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  if (sorted[low] !== value) sorted.splice(low, 0, value);
}
