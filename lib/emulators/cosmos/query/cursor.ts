import { badRequest } from "../failure.ts";
import { syntaxError, type Token, tokenize } from "./lexer.ts";

const RESERVED = new Set(
  ("SELECT FROM WHERE AND OR NOT IN BETWEEN LIKE AS JOIN ORDER GROUP BY OFFSET LIMIT TOP DISTINCT " +
    "VALUE ASC DESC EXISTS ESCAPE TRUE FALSE NULL UNDEFINED ARRAY").split(" "),
);

const MAX_DEPTH = 100;

/** A place in a query's tokens. */
export class Cursor {
  readonly #text: string;
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  /** The token `ahead` places on, without taking it. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  /** Takes the next token. */
  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Whether the next token is this word, in any case. */
  isWord(word: string): boolean {
    return this.isWordAhead(word, 0);
  }

  /** Whether the token `ahead` places on is this word. */
  isWordAhead(word: string, ahead: number): boolean {
    const token = this.peek(ahead);
    return token.kind === "name" && token.text.toUpperCase() === word;
  }

  /** Takes the word when it is next. */
  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#at += 1;
    return true;
  }

  /** Takes the symbol when it is next. */
  takeSymbol(symbol: string): boolean {
    const token = this.peek();
    if (token.kind !== "symbol" || token.text !== symbol) return false;
    this.#at += 1;
    return true;
  }

  /** @throws {CosmosFailure} 400 when the word is not next */
  expectWord(word: string): void {
    if (!this.takeWord(word)) throw this.error(this.peek());
  }

  /** @throws {CosmosFailure} 400 when the symbol is not next */
  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.error(this.peek());
  }

  /**
   * Reads something that may hold itself.
   *
   * @throws {CosmosFailure} 400 when it is nested too deep to be read
   */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw badRequest("The query is nested too deep.");
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** Takes a name. @throws {CosmosFailure} 400 when none is next */
  expectName(): string {
    const token = this.next();
    if (token.kind === "name") return token.text;
    throw this.error(token);
  }

  /** @throws {CosmosFailure} 400 when something follows */
  expectEnd(): void {
    if (this.peek().kind !== "end") throw this.error(this.peek());
  }

  /** Whether a name is next. */
  isName(): boolean {
    return this.peek().kind === "name" && !RESERVED.has(this.peek().text.toUpperCase());
  }

  /** Whether an alias without AS is next. */
  isAlias(): boolean {
    return this.isName();
  }

  /** 400 at a token. */
  error(token: Token): Error {
    return syntaxError(this.#text, token.at);
  }
}
