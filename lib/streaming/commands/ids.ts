/**
 * An id of 64 bits as given on a command line.
 *
 * @param what its name in the command's usage
 * @throws {Error} when it is none
 */
export function idOf(text: string, what: string): bigint {
  if (/^-?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text);
  throw new Error(`${what} must be a whole number of 64 bits, not ${text}`);
}
