/** Milliseconds between two turns; a request may wait that much longer. */
const TURN_MS = 1;

let waiting = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/**
 * Keeps the event loop turning until the promise settles.
 *
 * Deno 2.8.0 calls a `Deno.serve` handler without waking its event loop, so that sockets of node:net,
 * which the Cosmos SDK uses, are not served before something else happens
 * (github.com/denoland/deno/issues/34369): an interval is that something.
 */
export async function turningLoop<T>(promise: Promise<T>): Promise<T> {
  if (waiting++ === 0) timer = setInterval(() => {}, TURN_MS);
  try {
    return await promise;
  } finally {
    if (--waiting === 0) clearInterval(timer);
  }
}
