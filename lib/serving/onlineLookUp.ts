import type { Config } from "clickstream/config";
import type { OnlineStore } from "clickstream/online";
import type { LookUp } from "./types.ts";

/** A look-up in the online store, with what ends it. */
export interface OnlineLookUp {
  lookUp: LookUp;
  close(): void;
}

/**
 * Looks features up in the configuration's online store, with the key that may only read. When the
 * store fails, the local services are asked for again (they may have moved or stopped) and, if they
 * are elsewhere now, the look-up is made once more.
 */
export async function openOnlineLookUp(config: Config): Promise<OnlineLookUp> {
  const { ensureServices } = await import("clickstream/emulators");
  const { closeOnlineStore, lookUpFeatures, onlineStoreOptions, openOnlineStore } = await import(
    "clickstream/online"
  );
  const where = async () => onlineStoreOptions(await ensureServices(config), config, "read");
  let options = await where();
  let store: OnlineStore = openOnlineStore(options);
  let moving: Promise<boolean> | null = null;
  const move = async () => {
    const now = await where();
    if (now.endpoint === options.endpoint && now.key === options.key) return false;
    closeOnlineStore(store);
    options = now;
    store = openOnlineStore(options);
    return true;
  };
  return {
    async lookUp(keys, signal) {
      const used = store;
      try {
        return await lookUpFeatures(used, keys, signal);
      } catch (error) {
        if (signal?.aborted) throw error;
        moving ??= move().finally(() => moving = null);
        if (!await moving && used === store) throw error;
        return await lookUpFeatures(store, keys, signal);
      }
    },
    close: () => closeOnlineStore(store),
  };
}
