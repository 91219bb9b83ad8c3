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

/** Starts to load a model and keeps it. */
export function deploy(
  source: ModelSource,
  name: string,
  wanted: string,
  options: DeployOptions = {},
): Deployment {
  let current: Lease | null = null;
  let failure: Error | null = null;
  let pending: Promise<boolean> | null = null;
  let closed = false;
  let broken: { version: number; until: number } | null = null;

  const fail = (error: Error) => {
    if (failure?.message !== error.message) options.onFailure?.(error, name);
    failure = error;
    return false;
  };
  const retire = (lease: Lease | null) => {
    if (lease === null) return;
    lease.retired = true;
    if (lease.users === 0) lease.servable.dispose?.();
  };
  const load = async (version: number): Promise<boolean> => {
    try {
      const servable = await source.load(name, version);
      const before = current;
      current = { servable, readRow: rowReader(servable.inputs), users: 0, retired: false };
      retire(before);
      if (closed) {
        retire(current);
        current = null;
      }
      failure = broken = null;
      return current !== null;
    } catch (error) {
      broken = { version, until: performance.now() + (options.retryMs ?? 30_000) };
      return fail(error as Error);
    }
  };
  const loadNewest = async (): Promise<boolean> => {
    let version: number;
    try {
      version = await source.resolve(name, wanted);
    } catch (error) {
      return fail(error as Error);
    }
    if (current?.servable.version === version) {
      failure = null;
      return false;
    }
    const tried = broken?.version === version && performance.now() < broken.until;
    return tried ? false : await load(version);
  };
  const refresh = () => {
    if (closed) return Promise.resolve(false);
    pending ??= loadNewest().finally(() => pending = null);
    return pending;
  };

  const firstLoad = refresh().then(() => {});
  return {
    name,
    wanted,
    firstLoad,
    version: () => current?.servable.version ?? null,
    failure: () => failure,
    loading: () => pending !== null,
    refresh,
    use(body) {
      const lease = current;
      return lease === null ? null : lend(lease, body);
    },
    close() {
      closed = true;
      retire(current);
      current = null;
    },
  };
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
