import type { StoreAsker } from "./storeAsker.ts";
import type { LookedUp, LookUpFailure, RowKeys } from "./types.ts";

/** A row's part of a look-up's answer. */
export interface RowAnswer {
  row: LookedUp | LookUpFailure;
  /** When the look-up started, in milliseconds of the clock given. */
  started: number;
}

/** Cart-products of one look-up; the time limit is for each. */
const BLOCK = 200;
/** Look-ups at once. */
const AT_ONCE = 2;

/** A row that waits for its look-up, with what takes its answer. */
interface Waiting {
  key: RowKeys;
  resolve(answer: RowAnswer): void;
}

/**
 * Asks for the rows of many requests, a few look-ups at once. What comes while all are under way
 * waits, and goes together in the next one: many rows of one look-up cost a fraction of as many
 * look-ups, so that the store and this process gain speed under load. Of each request as many rows
 * go as of the others, so that a large one holds nobody up.
 *
 * @param now milliseconds of a clock that never goes back
 * @returns asks for the rows of a request, and gives an answer for each; none rejects
 */
export function lookUpQueue(
  ask: StoreAsker,
  now: () => number,
): (keys: readonly RowKeys[]) => Promise<RowAnswer>[] {
  /** By request, those that have waited longest first. */
  let requests: Waiting[][] = [];
  let underWay = 0;

  const takeBlock = (): Waiting[] => {
    const share = Math.max(1, Math.floor(BLOCK / requests.length));
    const served = requests.splice(0, BLOCK);
    const block = served.flatMap((rows) => rows.splice(0, share));
    requests = [...requests, ...served.filter((rows) => rows.length > 0)];
    return block;
  };
  const lookUp = async (block: readonly Waiting[]) => {
    underWay += 1;
    const started = now();
    const rows = await ask(block.map(({ key }) => key));
    underWay -= 1;
    block.forEach(({ resolve }, i) =>
      resolve({ started, row: typeof rows === "string" ? rows : rows[i]! })
    );
    start();
  };
  const start = () => {
    while (underWay < AT_ONCE && requests.length > 0) lookUp(takeBlock());
  };
  return (keys) => {
    if (keys.length === 0) return [];
    const request: Waiting[] = [];
    const answers = keys.map((key) =>
      new Promise<RowAnswer>((resolve) => request.push({ key, resolve }))
    );
    requests.push(request);
    start();
    return answers;
  };
}
