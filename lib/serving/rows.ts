import { parseTime } from "clickstream/events";
import { ApiError } from "./errors.ts";
import type { GivenRow } from "./invocation.ts";
import type { ModelInput, RowKeys } from "./types.ts";

/** A row of a request, checked: its keys, its time, and the inputs its caller gave. */
export interface RequestRow {
  /** Null when the row came with features alone. */
  keys: RowKeys | null;
  /** Microseconds since 1970-01-01 UTC; null when the caller gave none. */
  eventTime: bigint | null;
  /** A value for each input of the model, in order; undefined where the caller gave none. */
  given: unknown[];
  /** Whether the caller gave every input but the time. */
  complete: boolean;
}

/** Reads the rows of requests for one model. */
export type RowReader = (row: GivenRow, at: number) => RequestRow;

type Kind = ModelInput["kind"] | "id" | "session";

const KEYS = ["user_id", "user_session", "product_id"] as const;

/** Columns that rows may carry beside a model's inputs: those of an event. */
const EVENT_KINDS: Record<string, Kind> = {
  user_id: "id",
  user_session: "session",
  product_id: "id",
  event_time: "time",
  event_type: "text",
  category_id: "id",
  category_code: "text",
  brand: "text",
  price: "numeric",
};

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const INTEGER = /^-?\d{1,20}$/;
/** A document's id holds the encoded keys in at most 1,023 bytes. */
const MAX_ENCODED_SESSION = 900;
const MAX_TEXT = 1_000;

/** How rows of certain columns are read, worked out once for all of them. */
interface Plan {
  columns: readonly string[];
  kinds: Kind[];
  /** The input that each column is, or -1. */
  targets: number[];
  keys: { user: number; session: number; product: number } | null;
  time: number;
  complete: boolean;
}

/**
 * Makes the reader of rows for a model with these inputs. A row names a cart-product by `user_id`,
 * `user_session` and `product_id`, or gives every input itself, or both: given inputs go first.
 *
 * The reader throws ApiError (INVALID_PARAMETER_VALUE) naming row and column.
 */
export function rowReader(inputs: readonly ModelInput[]): RowReader {
  let plan: Plan | null = null;
  return ({ columns, values }, at) => {
    if (plan?.columns !== columns) plan = planOf(inputs, columns, at);
    const read = new Array<unknown>(columns.length);
    const given = new Array<unknown>(inputs.length);
    for (let i = 0; i < columns.length; i++) {
      read[i] = readCell(plan.kinds[i]!, values[i], at, columns[i]!);
      const target = plan.targets[i]!;
      if (target >= 0) given[target] = read[i];
    }
    return {
      keys: plan.keys === null ? null : keysOf(plan.keys, read, at),
      eventTime: plan.time < 0 ? null : read[plan.time] as bigint | null,
      given,
      complete: plan.complete,
    };
  };
}

function planOf(inputs: readonly ModelInput[], columns: readonly string[], at: number): Plan {
  const kindOf = new Map<string, Kind>(inputs.map(({ name, kind }) => [name, kind]));
  for (const [name, kind] of Object.entries(EVENT_KINDS)) kindOf.set(name, kind);
  const kinds = columns.map((name) => {
    const kind = kindOf.get(name);
    if (kind === undefined) throw unknownColumn(name, at);
    return kind;
  });
  const wanted = new Map(inputs.map(({ name }, i) => [name, name === "event_time" ? -1 : i]));
  const targets = columns.map((name) => wanted.get(name) ?? -1);
  const missing = inputs.filter(({ name }) => name !== "event_time" && !columns.includes(name));
  const keys = keyColumns(columns, at);
  if (keys === null && missing.length > 0) throw incomplete(missing, at);
  return {
    columns,
    kinds,
    targets,
    keys,
    time: columns.indexOf("event_time"),
    complete: missing.length === 0,
  };
}

function keyColumns(columns: readonly string[], at: number): Plan["keys"] {
  const missing = KEYS.filter((key) => !columns.includes(key));
  if (missing.length === KEYS.length) return null;
  if (missing.length > 0) {
    throw invalid(`row ${at} has no ${missing.join(" and no ")}: the keys are ${KEYS.join(", ")}.`);
  }
  const [user, session, product] = KEYS.map((key) => columns.indexOf(key));
  return { user: user!, session: session!, product: product! };
}

function keysOf(at: NonNullable<Plan["keys"]>, values: unknown[], row: number): RowKeys {
  const user_id = values[at.user];
  const product_id = values[at.product];
  if (typeof user_id !== "bigint" || typeof product_id !== "bigint") {
    const which = typeof user_id !== "bigint" ? "user_id" : "product_id";
    throw invalid(`row ${row} has a null ${which}.`);
  }
  return { user_id, user_session: values[at.session] as string | null, product_id };
}

function incomplete(missing: ModelInput[], at: number): ApiError {
  const names = missing.slice(0, 5).map(({ name }) => name).join(", ");
  return invalid(
    `row ${at} has neither the keys ${KEYS.join(", ")} nor all inputs: missing ` +
      `${names}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}.`,
  );
}

function readCell(kind: Kind, value: unknown, at: number, name: string): unknown {
  if (value === null) return null;
  if (kind === "numeric" && typeof value === "number" && Number.isFinite(value)) return value;
  return readers[kind](value, () => `row ${at}, column ${name}`);
}

type Where = () => string;

const readers: Record<Kind, (value: unknown, where: Where) => unknown> = {
  id: readId,
  session: readSession,
  time: readTime,
  text: readText,
  numeric: readNumber,
};

function readId(value: unknown, where: Where): bigint | null {
  const exact = typeof value === "bigint"
    ? value
    : typeof value === "number" && Number.isSafeInteger(value)
    ? BigInt(value)
    : typeof value === "string" && INTEGER.test(value)
    ? BigInt(value)
    : null;
  if (exact === null || exact < INT64_MIN || exact > INT64_MAX) {
    throw invalid(
      `${where()} must be a whole number of 64 bits, as an integer literal or as text with all its digits.`,
    );
  }
  return exact;
}

function readSession(value: unknown, where: Where): string | null {
  if (value === "") return null;
  if (
    typeof value !== "string" || value.length > MAX_ENCODED_SESSION || !value.isWellFormed() ||
    encodeURIComponent(value).length > MAX_ENCODED_SESSION
  ) {
    throw invalid(`${where()} must be null or text of at most ${MAX_ENCODED_SESSION} characters.`);
  }
  return value;
}

function readTime(value: unknown, where: Where): bigint | null {
  const micros = typeof value === "string" ? parseTime(value) : null;
  if (micros === null) {
    throw invalid(`${where()} must be an ISO 8601 time, such as 2021-02-01T12:00:00Z.`);
  }
  return micros;
}

function readText(value: unknown, where: Where): string | null {
  if (value === "") return null;
  if (typeof value !== "string" || value.length > MAX_TEXT || !value.isWellFormed()) {
    throw invalid(`${where()} must be null or text of at most ${MAX_TEXT} characters.`);
  }
  return value;
}

function readNumber(value: unknown, where: Where): number | null {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw invalid(`${where()} must be null or a finite number.`);
  }
  return value;
}

function unknownColumn(name: string, at: number): ApiError {
  const shown = name.length > 60 ? `${name.slice(0, 60).toWellFormed()}…` : name.toWellFormed();
  return invalid(
    `row ${at} has a column ${
      JSON.stringify(shown)
    } that is neither a key, nor a column of an event, nor an input of the model.`,
  );
}

function invalid(message: string): ApiError {
  return new ApiError("INVALID_PARAMETER_VALUE", message);
}
