import type { EventHubs } from "./event_hubs/mod.ts";

/** Events a second of each hub over the last seconds. */
export interface Rates {
  perSecond(hub: string): { in: number; out: number };
  stop(): void;
}

interface Sample {
  ms: number;
  in: number;
  out: number;
}

const SAMPLE_MS = 1000;
const SAMPLES = 11;

/** Measures the rates of all hubs until it is stopped. */
export function createRates(hubs: EventHubs): Rates {
  const samples = new Map<string, Sample[]>();
  const timer = setInterval(() => {
    const ms = performance.now();
    for (const { name, partitions } of hubs.status().hubs) {
      const of = (key: "eventsIn" | "eventsOut") =>
        partitions.reduce((sum, partition) => sum + partition[key], 0);
      const list = samples.get(name) ?? [];
      list.push({ ms, in: of("eventsIn"), out: of("eventsOut") });
      samples.set(name, list.slice(-SAMPLES));
    }
  }, SAMPLE_MS);
  const perSecond = (hub: string) => {
    const list = samples.get(hub) ?? [];
    const first = list[0];
    const last = list.at(-1);
    if (first === undefined || last === undefined || first === last) return { in: 0, out: 0 };
    const seconds = (last.ms - first.ms) / 1000;
    const rate = (from: number, to: number) => Math.max(0, Math.round((to - from) / seconds));
    return { in: rate(first.in, last.in), out: rate(first.out, last.out) };
  };
  return { perSecond, stop: () => clearInterval(timer) };
}
