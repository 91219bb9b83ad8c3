import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homePaths, loadConfig } from "clickstream/config";
import { closeLakehouse, openLakehouse } from "clickstream/lakehouse";
import { closeOnlineStore, openOnlineStore } from "clickstream/online";
import { type Actor, newActor } from "./actor.ts";
import { byWayOf, type Proxy, startProxy, withReady } from "./proxy.ts";
import { publishShop, type SmallShop } from "./shop.ts";

/** A shop whose hub and store are processes of their own, reached through proxies. */
export interface LiveShop {
  shop: SmallShop;
  broker: Actor;
  store: Actor;
  hubLine: Proxy;
  storeLine: Proxy;
  /** A process running a script of this folder, not started yet. */
  actor(script: string, ...args: string[]): Actor;
  close(): Promise<void>;
}

/** Publishes a shop of so many events, with services that can be killed. */
export async function openLiveShop(events: number): Promise<LiveShop> {
  const home = mkdtempSync(join(tmpdir(), "clickstream-test-"));
  const actors: Actor[] = [];
  const actor = (script: string, ...args: string[]) => {
    actors.push(newActor(script, args));
    return actors.at(-1)!;
  };
  const service = (kind: string) => {
    const ready = join(home, `${kind}.json`);
    return {
      ready,
      actor: withReady(actor("service_process.ts", kind, join(home, kind), ready), ready),
    };
  };
  const [hubs, cosmos] = [service("hubs"), service("cosmos")];
  await Promise.all([hubs.actor.start(), cosmos.actor.start()]);
  const read = ({ ready }: { ready: string }) => JSON.parse(readFileSync(ready, "utf8"));
  const hubLine = await startProxy(home, hubs.ready);
  const storeLine = await startProxy(home, cosmos.ready);
  const config = loadConfig({ CLICKSTREAM_HOME: home });
  const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
  const endpoint = `http://127.0.0.1:${storeLine.port}/`;
  const { key } = read(cosmos);
  const store = openOnlineStore({ endpoint, key, database: "clickstream" });
  const connectionString = byWayOf(read(hubs).connectionString, hubLine.port);
  const shop = { config, lake, store, connectionString, endpoint, key };
  await publishShop(shop, events);
  return {
    shop,
    broker: hubs.actor,
    store: cosmos.actor,
    hubLine,
    storeLine,
    actor,
    async close() {
      for (const each of actors) await each.kill();
      closeOnlineStore(store);
      await closeLakehouse(lake);
      await Promise.all([hubLine.close(), storeLine.close()]);
      rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
