import { parseArgs } from "node:util";
import { ConfigError, runCommand } from "clickstream/config";
import { table } from "clickstream/display";
import { metricColumns, metricSets } from "clickstream/metrics";
import { type LookedUp, lookUpFeatures, type LookUpKeys, lookUpSets } from "clickstream/online";
import { readQuery } from "../query_files.ts";
import { idOf } from "./ids.ts";
import { withLive } from "./live.ts";

const USAGE = "deno task lookup -- USER SESSION PRODUCT [--json]; a session of - means none";

if (import.meta.main) await runCommand(main);

/** `deno task lookup -- USER SESSION PRODUCT`: what is served for a key, and how old it is. */
async function main(args: string[]): Promise<void> {
  const { keys, json } = readOptions(args);
  await withLive("read", async ({ config, store }) => {
    const [answer] = await lookUpFeatures(store, [keys]);
    const now = readQuery(config)?.newestEventTime ?? null;
    if (json) console.log(jsonText(answer!));
    else await show(answer!, now);
  });
}

/** @param now newest event time of the stream, microseconds since 1970; null before the first */
async function show(answer: LookedUp, now: number | null): Promise<void> {
  const asOf = now === null ? "nothing streamed yet" : `ages at ${iso(now)}, the stream's newest`;
  await table(
    lookUpSets.map(({ name }) => {
      const time = answer.eventTimes[name] ?? null;
      const age = time === null || now === null ? null : Math.max(0, (now - time) / 1e6);
      return {
        "feature set": name,
        found: answer.found[name],
        "holds as of": time === null ? null : iso(time),
        "age (s)": age === null ? null : Math.round(age),
      };
    }),
    { title: `Documents (${asOf})` },
  );
  const { features } = answer;
  await table(
    metricColumns.map((metric) => ({
      metric,
      ...Object.fromEntries(metricSets.map(({ name }) => [name, features[`${name}__${metric}`]])),
    })),
    { title: "Metrics by feature set" },
  );
  const shown = new Set(
    metricSets.flatMap(({ name }) => metricColumns.map((m) => `${name}__${m}`)),
  );
  const others = Object.entries(features).filter(([name]) => !shown.has(name));
  await table(others.map(([feature, value]) => ({ feature, value: String(value ?? "-") })), {
    title: answer.alreadyPurchased ? "Further features (already bought)" : "Further features",
    limit: 40,
  });
}

function iso(micros: number): string {
  return new Date(micros / 1000).toISOString().slice(0, 19) + "Z";
}

function jsonText(answer: LookedUp): string {
  return JSON.stringify(answer, null, 2);
}

function readOptions(args: string[]): { keys: LookUpKeys; json: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { json: { type: "boolean" } },
      allowPositionals: true,
      strict: true,
    });
    const [user, session, product, ...rest] = positionals;
    if (product === undefined || rest.length > 0) throw new Error("Three keys are needed");
    const keys = {
      user_id: idOf(user!, "USER"),
      user_session: session === "-" ? null : session!,
      product_id: idOf(product, "PRODUCT"),
    };
    return { keys, json: values.json ?? false };
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}: ${USAGE}`, { cause });
  }
}
