/**
 * Runs `body` with a signal that Ctrl-C (and SIGTERM) or `outer` aborts. A second Ctrl-C ends the
 * program at once.
 */
export async function withSignals<T>(
  outer: AbortSignal | undefined,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const cancel = new AbortController();
  const stop = () => {
    if (cancel.signal.aborted) Deno.exit(130);
    cancel.abort();
  };
  const abort = () => cancel.abort();
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  if (outer?.aborted) cancel.abort();
  outer?.addEventListener("abort", abort);
  for (const name of names) Deno.addSignalListener(name, stop);
  try {
    return await body(cancel.signal);
  } finally {
    for (const name of names) Deno.removeSignalListener(name, stop);
    outer?.removeEventListener("abort", abort);
  }
}
