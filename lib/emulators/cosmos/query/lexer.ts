import { badRequest } from "../failure.ts";

/** A piece of a query's text. */
export interface Token {
  kind: "name" | "number" | "string" | "parameter" | "symbol" | "end";
  /** The text; of a string, its value. */
  text: string;
  /** Place in the query, from 0. */
  at: number;
}

const PATTERN =
  /\s+|--[^\n]*|([\p{L}_][\p{L}\p{N}_]*)|(@[\p{L}\p{N}_]+)|(0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(<>|!=|<=|>=|\?\?|\|\||>>>|>>|<<|[-+*/%&|^~=<>?:.,()[\]{}])/gyu;

/**
 * Splits a query into tokens.
 *
 * @throws {CosmosFailure} 400 at the first character that starts none
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  PATTERN.lastIndex = 0;
  for (let at = 0; at < text.length; at = PATTERN.lastIndex) {
    PATTERN.lastIndex = at;
    const match = PATTERN.exec(text);
    if (match === null) throw syntaxError(text, at);
    const [whole, name, parameter, number, string, symbol] = match;
    if (name !== undefined) tokens.push({ kind: "name", text: name, at });
    else if (parameter !== undefined) tokens.push({ kind: "parameter", text: parameter, at });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (string !== undefined) tokens.push({ kind: "string", text: unescape(string, at), at });
    else if (symbol !== undefined) tokens.push({ kind: "symbol", text: symbol, at });
    else if (whole === "") break;
  }
  tokens.push({ kind: "end", text: "", at: text.length });
  return tokens;
}

/** 400: the query's text is wrong at a place. */
export function syntaxError(near: string, at: number): Error {
  return badRequest(
    `Syntax error, incorrect syntax near '${near.slice(at, at + 30)}' at position ${at}.`,
  );
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" };

function unescape(quoted: string, at: number): string {
  return quoted.slice(1, -1).replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, escape: string) => {
    if (escape.length === 5) return String.fromCharCode(parseInt(escape.slice(1), 16));
    if (escape === "u") throw syntaxError(quoted, at);
    return ESCAPES[escape] ?? escape;
  });
}
