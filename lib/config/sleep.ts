const CODE = "onmessage = ({ data }) => setTimeout(() => postMessage(0), data)";

/**
 * Resolves after `ms` milliseconds, told by a thread of its own. With DuckDB loaded, Deno 2.8.0
 * loses timeouts that are set where another one ended, for good when nothing else happens in the
 * process; messages of other threads arrive. Starting the thread takes some 50 ms, so this is for
 * long waits that have to end.
 *
 * @param signal ends the sleep early; its reason is thrown
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const url = `data:application/javascript,${encodeURIComponent(CODE)}`;
  const thread = new Worker(url, { type: "module" });
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const woken = new Promise<void>((resolve) => thread.onmessage = () => resolve());
    thread.postMessage(ms);
    await Promise.race([woken, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", stop);
    thread.terminate();
  }
}
