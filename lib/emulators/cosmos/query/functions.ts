import { badRequest } from "../failure.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import { STATIC_TIMES, TIMES } from "./times.ts";
import { equalValues, type Value } from "./values.ts";

/** A function of a query. Undefined arguments and answers are what the service calls undefined. */
export type Scalar = (...args: Value[]) => Value;

/** A function over numbers; undefined for anything else. */
const numeric = (f: (...n: number[]) => number): Scalar => (...args) => {
  if (!args.every((arg) => typeof arg === "number")) return undefined;
  const result = f(...args as number[]);
  return Number.isFinite(result) ? result : undefined;
};

/** A function over 64-bit integers, as the service reckons them; undefined for anything else. */
const integral = (f: (...n: bigint[]) => bigint): Scalar => (...args) => {
  if (!args.every(isInteger)) return undefined;
  try {
    return Number(BigInt.asIntN(64, f(...args.map((arg) => BigInt(arg as number)))));
  } catch {
    return undefined; // a division by zero, or no shift
  }
};

function isInteger(value: Value): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 63;
}

function shiftOf(n: bigint): bigint {
  if (n < 0n || n > 63n) throw new RangeError("No shift of 64 bits.");
  return n;
}

/** A function whose first arguments are texts; undefined for anything else. */
const textual = (texts: number, f: (...args: never[]) => Value): Scalar => (...args) =>
  args.slice(0, texts).every((arg) => typeof arg === "string") && args.length >= texts
    ? (f as (...args: Value[]) => Value)(...args)
    : undefined;

/** A function of a text and a number. */
const counted = (f: (text: string, n: number) => Value): Scalar => (text, n) =>
  typeof text === "string" && typeof n === "number" ? f(text, n) : undefined;

/** A comparison of texts that may ignore case. */
const matching = (f: (text: string, part: string) => boolean): Scalar =>
  textual(
    2,
    (text: string, part: string, ignoreCase?: boolean) =>
      ignoreCase === true ? f(text.toLowerCase(), part.toLowerCase()) : f(text, part),
  );

/** Takes white space, or the characters that are given, from the ends of a text. */
function trimmed(start: boolean, end: boolean): Scalar {
  return textual(1, (text: string, characters?: Value) => {
    if (characters !== undefined && typeof characters !== "string") return undefined;
    const goes = characters === undefined
      ? (sign: string) => sign.trim() === ""
      : (sign: string) => characters.includes(sign);
    let [from, to] = [0, text.length];
    while (start && from < to && goes(text[from]!)) from++;
    while (end && to > from && goes(text[to - 1]!)) to--;
    return text.slice(from, to);
  });
}

const isType = (test: (value: Value) => boolean): Scalar => (value) => test(value);

const MATH: Record<string, Scalar> = {
  ABS: numeric(Math.abs),
  ACOS: numeric(Math.acos),
  ASIN: numeric(Math.asin),
  ATAN: numeric(Math.atan),
  ATN2: numeric(Math.atan2),
  CEILING: numeric(Math.ceil),
  COS: numeric(Math.cos),
  COT: numeric((x) => 1 / Math.tan(x)),
  DEGREES: numeric((x) => x * 180 / Math.PI),
  EXP: numeric(Math.exp),
  FLOOR: numeric(Math.floor),
  LOG: numeric((x, base) =>
    base === undefined
      ? Math.log(x)
      : base === 10
      ? Math.log10(x)
      : base === 2
      ? Math.log2(x)
      : Math.log(x) / Math.log(base)
  ),
  LOG10: numeric(Math.log10),
  PI: () => Math.PI,
  POWER: numeric(Math.pow),
  RADIANS: numeric((x) => x * Math.PI / 180),
  RAND: () => Math.random(),
  ROUND: numeric((x, digits = 0) =>
    Math.sign(x) * Math.round(Math.abs(x) * 10 ** digits) / 10 ** digits
  ),
  SIGN: numeric(Math.sign),
  SIN: numeric(Math.sin),
  SQRT: numeric(Math.sqrt),
  SQUARE: numeric((x) => x * x),
  TAN: numeric(Math.tan),
  TRUNC: numeric(Math.trunc),
  INTADD: integral((a, b) => a! + b!),
  INTBITAND: integral((a, b) => a! & b!),
  INTBITLEFTSHIFT: integral((a, b) => a! << shiftOf(b!)),
  INTBITNOT: integral((a) => ~a!),
  INTBITOR: integral((a, b) => a! | b!),
  INTBITRIGHTSHIFT: integral((a, b) => a! >> shiftOf(b!)),
  INTBITXOR: integral((a, b) => a! ^ b!),
  INTDIV: integral((a, b) => a! / b!),
  INTMOD: integral((a, b) => a! % b!),
  INTMUL: integral((a, b) => a! * b!),
  INTSUB: integral((a, b) => a! - b!),
  NUMBERBIN: numeric((value, size = 1) => Math.floor(value / size) * size),
};

const STRINGS: Record<string, Scalar> = {
  CONCAT: (...args) =>
    args.every((arg) => typeof arg === "string") ? (args as string[]).join("") : undefined,
  CONTAINS: matching((text, part) => text.includes(part)),
  ENDSWITH: matching((text, part) => text.endsWith(part)),
  STARTSWITH: matching((text, part) => text.startsWith(part)),
  STRINGEQUALS: matching((text, part) => text === part),
  INDEX_OF: textual(
    2,
    (text: string, part: string, from: Value) =>
      text.indexOf(part, typeof from === "number" ? from : 0),
  ),
  LEFT: counted((text, n) => text.slice(0, Math.max(0, n))),
  RIGHT: counted((text, n) => n <= 0 ? "" : text.slice(-n)),
  LENGTH: textual(1, (text: string) => text.length),
  LOWER: textual(1, (text: string) => text.toLowerCase()),
  UPPER: textual(1, (text: string) => text.toUpperCase()),
  LTRIM: trimmed(true, false),
  RTRIM: trimmed(false, true),
  TRIM: trimmed(true, true),
  REPLACE: textual(
    3,
    (text: string, from: string, to: string) => from === "" ? text : text.replaceAll(from, to),
  ),
  REPLICATE: counted((text, n) => n < 0 || n > 10_000 ? undefined : text.repeat(n)),
  REVERSE: textual(1, (text: string) => [...text].reverse().join("")),
  SUBSTRING: textual(
    1,
    (text: string, from: number, n: number) =>
      typeof from === "number" && typeof n === "number"
        ? text.substr(Math.max(0, from), Math.max(0, n))
        : undefined,
  ),
  REGEXMATCH: textual(2, (text: string, pattern: string, flags?: string) => {
    if (pattern.length > 1000) throw badRequest("The regular expression is too long.");
    const source = flags?.includes("x") ? pattern.replace(/\s+/g, "") : pattern;
    try {
      return new RegExp(source, (flags ?? "").replace(/[^imsu]/g, "")).test(text);
    } catch (cause) {
      throw badRequest(`The regular expression is invalid: ${pattern}`, 0, cause);
    }
  }),
  STRINGSPLIT: textual(2, (text: string, by: string) => text.split(by)),
  STRINGJOIN: (list, by) =>
    Array.isArray(list) && typeof by === "string" && list.every((item) => typeof item === "string")
      ? list.join(by)
      : undefined,
  TOSTRING: (value) =>
    value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value),
  STRINGTONUMBER: (text) => parsed(text, (value) => typeof value === "number"),
  STRINGTOBOOLEAN: (text) => parsed(text, (value) => typeof value === "boolean"),
  STRINGTONULL: (text) => parsed(text, (value) => value === null),
  STRINGTOARRAY: (text) => parsed(text, Array.isArray),
  STRINGTOOBJECT: (text) => parsed(text, isObject),
};

function parsed(text: Value, accepts: (value: Json) => boolean): Value {
  if (typeof text !== "string") return undefined;
  try {
    const value = JSON.parse(text.trim()) as Json;
    return accepts(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const ARRAYS: Record<string, Scalar> = {
  ARRAY_CONCAT: (...lists) => lists.every(Array.isArray) ? (lists as Json[][]).flat() : undefined,
  ARRAY_CONTAINS: (list, wanted, partial) => {
    if (!Array.isArray(list) || wanted === undefined) {
      return Array.isArray(list) ? false : undefined;
    }
    return list.some((item) =>
      partial === true && isObject(wanted) ? isPart(item, wanted) : equalValues(item, wanted)
    );
  },
  ARRAY_CONTAINS_ANY: (list, ...wanted) =>
    Array.isArray(list) ? wanted.some((w) => list.some((item) => equalValues(item, w))) : undefined,
  ARRAY_CONTAINS_ALL: (list, ...wanted) =>
    Array.isArray(list)
      ? wanted.every((w) => list.some((item) => equalValues(item, w)))
      : undefined,
  ARRAY_LENGTH: (list) => Array.isArray(list) ? list.length : undefined,
  ARRAY_SLICE: (list, from, n) =>
    Array.isArray(list) && typeof from === "number"
      ? list.slice(
        from,
        typeof n === "number" ? (from < 0 ? list.length + from : from) + n : undefined,
      )
      : undefined,
  SETINTERSECT: (a, b) =>
    Array.isArray(a) && Array.isArray(b)
      ? distinct(b.filter((item) => a.some((other) => equalValues(item, other))))
      : undefined,
  SETUNION: (a, b) => Array.isArray(a) && Array.isArray(b) ? distinct([...a, ...b]) : undefined,
  OBJECTTOARRAY: (object, name = "k", value = "v") =>
    isObject(object) && typeof name === "string" && typeof value === "string"
      ? Object.entries(object).map(([k, v]): JsonObject => ({ [name]: k, [value]: v }))
      : undefined,
  CHOOSE: (...args) => {
    const [index, ...choices] = args;
    return typeof index === "number" ? choices[index - 1] : undefined;
  },
};

function isPart(item: Json, wanted: JsonObject): boolean {
  return isObject(item) && Object.entries(wanted).every(([key, value]) => {
    const own = Object.hasOwn(item, key) ? item[key] : undefined;
    return isObject(value) && own !== undefined ? isPart(own, value) : equalValues(own, value);
  });
}

function distinct(items: Json[]): Json[] {
  return items.filter((item, i) => items.findIndex((other) => equalValues(item, other)) === i);
}

const TYPES: Record<string, Scalar> = {
  IS_ARRAY: isType(Array.isArray),
  IS_BOOL: isType((value) => typeof value === "boolean"),
  IS_DEFINED: isType((value) => value !== undefined),
  IS_FINITE_NUMBER: isType((value) => typeof value === "number" && Number.isFinite(value)),
  IS_INTEGER: isType(isInteger),
  IS_NULL: isType((value) => value === null),
  IS_NUMBER: isType((value) => typeof value === "number"),
  IS_OBJECT: isType(isObject),
  IS_PRIMITIVE: isType((value) =>
    value !== undefined && (value === null || typeof value !== "object")
  ),
  IS_STRING: isType((value) => typeof value === "string"),
  IIF: (test, then, otherwise) => test === true ? then : otherwise,
};

const FUNCTIONS: Record<string, Scalar> = { ...MATH, ...STRINGS, ...ARRAYS, ...TYPES, ...TIMES };

/**
 * Finds a function by its upper-case name.
 *
 * @throws {CosmosFailure} 400 when it is not here
 */
export function scalarFunction(name: string): Scalar {
  if (Object.hasOwn(FUNCTIONS, name)) return FUNCTIONS[name]!;
  if (Object.hasOwn(STATIC_TIMES, name)) {
    const value = STATIC_TIMES[name]!();
    return () => value;
  }
  throw badRequest(`'${name}' is not a recognized built-in function name.`);
}
