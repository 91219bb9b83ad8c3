import { type RowReader, rowReader } from "./rows.ts";
import type { ModelSource, Servable } from "./types.ts";

/** A model in memory with the reader of its rows. */
export interface LoadedModel {
  servable: Servable;
  readRow: RowReader;
}

/**
 * One model kept ready: loaded in the background, replaced without a failed request when its alias
 * moves on, freed when the last request that uses it has ended.
 */
export interface Deployment {
  name: string;
  /** An alias, or a number as text. */
  wanted: string;
  /** Settles when the first load ends; never rejects. */
  firstLoad: Promise<void>;
  /** The version that is served, or null. */
  version(): number | null;
  /** Why the newest load failed, or null. */
  failure(): Error | null;
  /** Whether a load is under way. */
  loading(): boolean;
  /** Runs `body` with the model of now; null when there is none. */
  use<T>(body: (model: LoadedModel) => Promise<T>): Promise<T> | null;
  /**
   * Loads the version that the name stands for now, if it is another one. Never rejects.
   * Returns whether a new version is served.
   */
  refresh(): Promise<boolean>;
  /** Stops serving; the model is freed when its last request ends. */
  close(): void;
}

interface Lease extends LoadedModel {
  users: number;
  retired: boolean;
}

/** How a {@link deploy}ed model behaves. */
export interface DeployOptions {
  /** Called when a load fails for another reason than before. */
  onFailure?: (error: Error, name: string) => void;
  /** Milliseconds after which a version that could not be loaded is tried again. @default 30000 */
  retryMs?: number;
}

interface State {
  source: ModelSource;
  name: string;
  wanted: string;
  options: DeployOptions;
  current: Lease | null;
  failure: Error | null;
  /** The version that could not be loaded, and when it is tried again. */
  broken: { version: number; until: number } | null;
  pending: Promise<boolean> | null;
  closed: boolean;
}

/** Starts to load a model and keeps it. */
export function deploy(
  source: ModelSource,
  name: string,
  wanted: string,
  options: DeployOptions = {},
): Deployment {
  const empty = { current: null, failure: null, broken: null, pending: null, closed: false };
  const state: State = { source, name, wanted, options, ...empty };
  const firstLoad = refresh(state).then(() => {});
  return {
    name,
    wanted,
    firstLoad,
    version: () => state.current?.servable.version ?? null,
    failure: () => state.failure,
    loading: () => state.pending !== null,
    refresh: () => refresh(state),
    use: (body) => state.current === null ? null : lend(state.current, body),
    close() {
      state.closed = true;
      put(state, null);
    },
  };
}

function refresh(state: State): Promise<boolean> {
  if (state.closed) return Promise.resolve(false);
  state.pending ??= loadNewest(state).finally(() => state.pending = null);
  return state.pending;
}

async function loadNewest(state: State): Promise<boolean> {
  let version: number;
  try {
    version = await state.source.resolve(state.name, state.wanted);
  } catch (error) {
    return fail(state, error as Error);
  }
  if (state.current?.servable.version === version) {
    state.failure = null;
    return false;
  }
  const { broken } = state;
  const tried = broken?.version === version && performance.now() < broken.until;
  return tried ? false : await load(state, version);
}

async function load(state: State, version: number): Promise<boolean> {
  try {
    const servable = await state.source.load(state.name, version);
    put(state, { servable, readRow: rowReader(servable.inputs), users: 0, retired: false });
    if (state.closed) put(state, null);
    state.failure = state.broken = null;
    return state.current !== null;
  } catch (error) {
    const until = performance.now() + (state.options.retryMs ?? 30_000);
    state.broken = { version, until };
    return fail(state, error as Error);
  }
}

function fail(state: State, error: Error): false {
  if (state.failure?.message !== error.message) state.options.onFailure?.(error, state.name);
  state.failure = error;
  return false;
}

/** Serves another model from now on; the one before is freed when its last request ends. */
function put(state: State, lease: Lease | null): void {
  const before = state.current;
  state.current = lease;
  if (before === null) return;
  before.retired = true;
  if (before.users === 0) before.servable.dispose?.();
}

async function lend<T>(lease: Lease, body: (model: LoadedModel) => Promise<T>): Promise<T> {
  lease.users++;
  try {
    return await body(lease);
  } finally {
    lease.users--;
    if (lease.retired && lease.users === 0) lease.servable.dispose?.();
  }
}
