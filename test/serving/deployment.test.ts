import assert from "node:assert/strict";
import { deploy } from "../../lib/serving/deployment.ts";
import type { ModelSource } from "../../lib/serving/types.ts";
import { smallModel, smallModels } from "./support.ts";

/** Models of which some versions cannot be loaded; counts the loads. */
function brokenModels(latest: { m: number }, broken: Set<number>) {
  const loads: number[] = [];
  const source: ModelSource = {
    ...smallModels(latest),
    load(name, version) {
      loads.push(version);
      return broken.has(version)
        ? Promise.reject(new Error(`version ${version} is broken`))
        : Promise.resolve(smallModel(name, version));
    },
  };
  return { source, loads };
}

Deno.test("A promoted version that cannot be loaded leaves the old one in service, and is not tried at every look", async () => {
  const latest = { m: 1 };
  const { source, loads } = brokenModels(latest, new Set([2]));
  const failures: string[] = [];
  const deployment = deploy(source, "m", "production", {
    onFailure: (error) => failures.push(error.message),
  });
  await deployment.firstLoad;
  latest.m = 2;
  for (let i = 0; i < 3; i++) assert.equal(await deployment.refresh(), false);
  assert.equal(deployment.version(), 1);
  assert.deepEqual([loads, failures], [[1, 2], ["version 2 is broken"]]);
  latest.m = 3;
  assert.equal(await deployment.refresh(), true);
  assert.deepEqual([deployment.version(), deployment.failure()], [3, null]);
  deployment.close();
});

Deno.test("A broken version is tried again after a while", async () => {
  const broken = new Set([1]);
  const { source, loads } = brokenModels({ m: 1 }, broken);
  const deployment = deploy(source, "m", "1", { retryMs: 0 });
  await deployment.firstLoad;
  assert.equal(deployment.version(), null);
  broken.clear();
  assert.equal(await deployment.refresh(), true);
  assert.deepEqual([deployment.version(), loads], [1, [1, 1]]);
  deployment.close();
});

Deno.test("A model that is loaded while its endpoint is closed is freed at once", async () => {
  let freed = 0;
  const loading = Promise.withResolvers<void>();
  const source: ModelSource = {
    resolve: () => Promise.resolve(1),
    load: async (name, version) => {
      await loading.promise;
      return smallModel(name, version, () => freed++);
    },
  };
  const deployment = deploy(source, "m", "1");
  deployment.close();
  loading.resolve();
  await deployment.firstLoad;
  assert.deepEqual([freed, deployment.version()], [1, null]);
});
