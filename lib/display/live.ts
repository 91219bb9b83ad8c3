import { chartBundle, type ChartOptions } from "./chart.ts";
import { diagramBundle, type DiagramOptions, type DiagramSpec } from "./diagram.ts";
import type { Figure } from "./figure.ts";
import { interruptible } from "./interrupt.ts";
import { asPicture, type Bundle, inKernel, show, showFigure } from "./kernel.ts";

/** A picture that is redrawn in place. */
export interface Live<T> {
  /**
   * Offers a new state, or a function that makes it, called only when it is drawn. Cheap: it draws
   * at most as often as asked, and never spends more than a tenth of the time.
   *
   * @throws {InterruptedError} after the stop button of a notebook was pressed, and never else
   */
  update(state: T | (() => T)): void;
  /**
   * Draws the last state offered, or the one given. Later updates are ignored.
   *
   * @throws {DisplayError} a state could not be drawn, also an earlier one
   */
  finish(state?: T | (() => T)): Promise<void>;
}

/** How often a {@link Live} picture is drawn. */
export interface LiveOptions {
  /** Shortest time between two draws in milliseconds. @default 1000 */
  intervalMs?: number;
}

/** Where and when live pictures are drawn; a test brings its own. */
export interface LiveSink {
  /** A clock in milliseconds. */
  now(): number;
  /** Draws; `first` is true once, and so is `final`. */
  draw(bundle: Bundle, how: { metadata: Record<string, unknown> } & Place): Promise<void>;
  /** False where only the last picture is of use, as in a log. */
  inPlace: boolean;
}

/** Where in a row of draws one is. */
export interface Place {
  first: boolean;
  final: boolean;
}

/** The time between draws is at least this many times what the last draw took. */
const REST = 9;

/**
 * A chart that is redrawn in place while a cell runs (or a loop behind it). `id` names the output;
 * outside a notebook only the last state is printed, in words.
 *
 * @example
 * ```ts
 * import { liveChart } from "clickstream/display";
 * const lag = liveChart("lag");
 * lag.update({ data: [{ y: [4, 5, 3] }], layout: { title: "Lag stays below 5 ms" } });
 * await lag.finish();
 * ```
 */
export function liveChart(id: string, options: ChartOptions & LiveOptions = {}): Live<Figure> {
  return liveOn(chooseSink(id), (figure) => chartBundle(figure, options), options.intervalMs);
}

/** A diagram whose counts are redrawn in place; see {@link liveChart}. */
export function liveDiagram(
  id: string,
  options: DiagramOptions & LiveOptions = {},
): Live<DiagramSpec> {
  return liveOn(chooseSink(id), (spec) => diagramBundle(spec, options), options.intervalMs);
}

/** A live picture on a given sink; `make` turns a state into what is shown. */
export function liveOn<T>(
  sink: LiveSink,
  make: (state: T) => Promise<{ bundle: Bundle; metadata: Record<string, unknown> }>,
  intervalMs = 1000,
): Live<T> {
  const stop = interruptible();
  let latest: (() => T) | undefined;
  let first = true;
  let finished = false;
  let nextAt = -Infinity;
  let drawing: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  async function draw(state: () => T, final = false): Promise<void> {
    const start = sink.now();
    try {
      const { bundle, metadata } = await make(state());
      await sink.draw(bundle, { metadata, first, final });
      first = false;
    } catch (error) {
      failure ??= { error };
    }
    const took = sink.now() - start;
    nextAt = start + Math.max(intervalMs, (1 + REST) * took);
  }
  function update(state: T | (() => T)): void {
    if (finished) return;
    stop.throwIfInterrupted();
    latest = asFunction(state);
    if (!sink.inPlace || drawing !== undefined || sink.now() < nextAt) return;
    drawing = draw(latest).finally(() => drawing = undefined);
  }
  async function finish(state?: T | (() => T)): Promise<void> {
    if (finished) return;
    finished = true;
    stop.end();
    await drawing;
    latest = state === undefined ? latest : asFunction(state);
    if (latest !== undefined) await draw(latest, true);
    if (failure !== undefined) throw failure.error;
  }
  return { update, finish };
}

function asFunction<T>(state: T | (() => T)): () => T {
  return typeof state === "function" ? state as () => T : () => state;
}

function chooseSink(id: string): LiveSink {
  return {
    inPlace: inKernel(),
    now: () => performance.now(),
    draw(bundle, { metadata, first, final }) {
      const options = { displayId: id, update: !first, metadata };
      return final ? showFigure(bundle, options) : show(asPicture(bundle), options);
    },
  };
}
