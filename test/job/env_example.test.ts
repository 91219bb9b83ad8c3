import assert from "node:assert/strict";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { loadConfig, projectRoot } from "clickstream/config";

Deno.test(".env.example names every setting, with its default", () => {
  const text = Deno.readTextFileSync(join(projectRoot, ".env.example"));
  const example = parseEnv(text) as Record<string, string>;
  const source = Deno.readTextFileSync(join(projectRoot, "lib/config/config.ts"));
  const names = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): z\./gm)].map((match) => match[1]!);
  assert.deepEqual(Object.keys(example).sort(), names.sort());
  const given = Object.fromEntries(Object.entries(example).filter(([, value]) => value !== ""));
  const home = join(projectRoot, "data/local");
  assert.deepEqual(loadConfig(given), loadConfig({ ...given, CLICKSTREAM_HOME: home }));
  assert.equal(loadConfig(given).eventHubs.consumerGroup, "$Default");
});
