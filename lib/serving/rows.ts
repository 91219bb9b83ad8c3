import { parseTime } from "clickstream/events";
import { ApiError } from "./errors.ts";
import type { GivenRow } from "./invocation.ts";
import type { ModelInput, RowKeys, ScoringInputs } from "./types.ts";

/** A row of a request, checked: its keys, its time, and the inputs its caller gave. */
export interface RequestRow {
  /** Null when the row came with features alone. */
  keys: RowKeys | null;
  /** Microseconds since 1970-01-01 UTC; null when the caller gave none. */
  eventTime: bigint | null;
  /** Inputs of the model that the caller gave; they go before looked-up ones. */
  given: ScoringInputs;
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

/**
 * Makes the reader of rows for a model with these inputs. A row names a cart-product by `user_id`,
 * `user_session` and `product_id`, or gives every input itself, or both: given inputs go first.
 *
 * The reader throws ApiError (INVALID_PARAMETER_VALUE) naming row and column.
 */
export function rowReader(inputs: readonly ModelInput[]): RowReader {
  const kinds = new Map<string, Kind>(Object.entries(EVENT_KINDS));
  for (const input of inputs) if (!kinds.has(input.name)) kinds.set(input.name, input.kind);
  const wanted = new Set(inputs.map((input) => input.name));
  return (row, at) => {
    const values: Record<string, unknown> = {};
    for (const name of Object.keys(row)) {
      const kind = kinds.get(name);
      if (kind === undefined) throw unknownColumn(name, at);
      values[name] = readers[kind](row[name], () => `row ${at}, column ${name}`);
    }
    const keys = readKeys(values, at);
    const given: ScoringInputs = {};
    for (const name of Object.keys(values)) {
      if (wanted.has(name) && name !== "event_time") given[name] = values[name];
    }
    if (keys === null) requireAll(inputs, given, at);
    return { keys, eventTime: (values["event_time"] ?? null) as bigint | null, given };
  };
}

function readKeys(values: Record<string, unknown>, at: number): RowKeys | null {
  const present = KEYS.filter((key) => Object.hasOwn(values, key));
  if (present.length === 0) return null;
  const missing = KEYS.filter((key) => !present.includes(key));
  if (missing.length > 0) {
    throw invalid(`row ${at} has no ${missing.join(" and no ")}: the keys are ${KEYS.join(", ")}.`);
  }
  const [user_id, user_session, product_id] = KEYS.map((key) => values[key]);
  if (typeof user_id !== "bigint" || typeof product_id !== "bigint") {
    throw invalid(
      `row ${at} has a null ${typeof user_id !== "bigint" ? "user_id" : "product_id"}.`,
    );
  }
  return { user_id, user_session: user_session as string | null, product_id };
}

function requireAll(inputs: readonly ModelInput[], given: ScoringInputs, at: number): void {
  const missing = inputs.filter(({ name }) => name !== "event_time" && !Object.hasOwn(given, name));
  if (missing.length === 0) return;
  const names = missing.slice(0, 5).map(({ name }) => name).join(", ");
  throw invalid(
    `row ${at} has neither the keys ${KEYS.join(", ")} nor all inputs: missing ` +
      `${names}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}.`,
  );
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
  if (value === null) return null;
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
  if (value === null || value === "") return null;
  if (
    typeof value !== "string" || value.length > MAX_ENCODED_SESSION || !value.isWellFormed() ||
    encodeURIComponent(value).length > MAX_ENCODED_SESSION
  ) {
    throw invalid(`${where()} must be null or text of at most ${MAX_ENCODED_SESSION} characters.`);
  }
  return value;
}

function readTime(value: unknown, where: Where): bigint | null {
  if (value === null) return null;
  const micros = typeof value === "string" ? parseTime(value) : null;
  if (micros === null) {
    throw invalid(`${where()} must be an ISO 8601 time, such as 2021-02-01T12:00:00Z.`);
  }
  return micros;
}

function readText(value: unknown, where: Where): string | null {
  if (value === null || value === "") return null;
  if (typeof value !== "string" || value.length > MAX_TEXT || !value.isWellFormed()) {
    throw invalid(`${where()} must be null or text of at most ${MAX_TEXT} characters.`);
  }
  return value;
}

function readNumber(value: unknown, where: Where): number | null {
  if (value === null) return null;
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
