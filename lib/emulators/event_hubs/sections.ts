import type { Buffer } from "node:buffer";
import {
  checkValue,
  compoundContent,
  DecodeError,
  isBinary,
  skipValue,
  variableContent,
} from "./wire.ts";

export const HEADER = 0x70;
export const DELIVERY_ANNOTATIONS = 0x71;
export const MESSAGE_ANNOTATIONS = 0x72;
export const DATA = 0x75;

/** A section of a message: its descriptor's code, where it begins, where its value begins and ends. */
export interface Section {
  code: number;
  at: number;
  value: number;
  end: number;
}

interface Rule {
  name: string;
  holds: "list" | "map" | "binary" | "any";
  /** Most items. */
  most?: number;
  /** Whether there may be several. */
  repeats?: boolean;
}

const SEQUENCE = 0x76;
const VALUE = 0x77;
const RULES = new Map<number, Rule>([
  [HEADER, { name: "header", holds: "list", most: 5 }],
  [DELIVERY_ANNOTATIONS, { name: "delivery annotations", holds: "map" }],
  [MESSAGE_ANNOTATIONS, { name: "message annotations", holds: "map" }],
  [0x73, { name: "properties", holds: "list", most: 13 }],
  [0x74, { name: "application properties", holds: "map" }],
  [DATA, { name: "data", holds: "binary", repeats: true }],
  [SEQUENCE, { name: "sequence", holds: "list", repeats: true }],
  [VALUE, { name: "value", holds: "any" }],
  [0x78, { name: "footer", holds: "map" }],
]);

/**
 * The section that begins at a place, looking only at its outermost size.
 *
 * @throws {DecodeError} when none does
 */
export function sectionAt(bytes: Buffer, at: number): Section {
  if (bytes[at] !== 0x00) throw new DecodeError(`No message section begins at byte ${at}.`);
  const width = bytes[at + 1] === 0x53 ? 1 : bytes[at + 1] === 0x80 ? 8 : 0;
  const value = at + 2 + width;
  if (width === 0 || value >= bytes.length) {
    throw new DecodeError(`The message section at byte ${at} has no numeric descriptor.`);
  }
  const code = bytes[value - 1]!;
  if (!RULES.has(code)) {
    throw new DecodeError(`Message section 0x${code.toString(16)} at byte ${at} is unknown.`);
  }
  return { code, at, value, end: skipValue(bytes, value, bytes.length) };
}

/**
 * All sections of a message, each looked at to its last value, so that no consumer ever meets one
 * that it cannot read. Their order from the properties on is left as it is: the JavaScript SDK
 * writes a footer before the body.
 *
 * @throws {DecodeError} says what is wrong with which of them
 */
export function checkedSections(bytes: Buffer): Section[] {
  const sections: Section[] = [];
  let body: number | null = null;
  for (let at = 0; at < bytes.length;) {
    const section = sectionAt(bytes, at);
    const { code } = section;
    const rule = RULES.get(code)!;
    checkContent(bytes, section, rule);
    const last = sections.at(-1)?.code ?? HEADER;
    if (code < last && code <= MESSAGE_ANNOTATIONS) {
      throw new DecodeError("The sections of a message are out of order.");
    }
    if (!rule.repeats && sections.some((one) => one.code === code)) {
      throw new DecodeError(`A message has more than one section for ${rule.name}.`);
    }
    if (code >= DATA && code <= VALUE) {
      if (body !== null && body !== code) {
        throw new DecodeError("A message has bodies of two kinds.");
      }
      body = code;
    }
    sections.push(section);
    at = section.end;
  }
  return sections;
}

function checkContent(bytes: Buffer, { value, end }: Section, { name, holds, most }: Rule): void {
  if (holds === "binary") {
    if (isBinary(bytes, value) && variableContent(bytes, value, end) !== null) return;
    throw new DecodeError(`A section for ${name} holds no binary.`);
  }
  checkValue(bytes, value, end);
  if (holds === "any") return;
  const content = compoundContent(bytes, value, end, holds);
  if (content === null) throw new DecodeError(`The section for ${name} holds no ${holds}.`);
  if (most !== undefined && content.count > most) {
    throw new DecodeError(`The section for ${name} has ${content.count} fields, not ${most}.`);
  }
}
