import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { loadConfig } from "clickstream/config";
import {
  fileTracker,
  listVersionsInMlflow,
  loadFromMlflow,
  mlflowTracker,
  modelCard,
  openTracker,
  registerInMlflow,
  scoreRow,
  setAliasInMlflow,
  type Tracker,
  trackModel,
  trackTraining,
  trainPropensity,
} from "clickstream/model";
import { withHome } from "../support.ts";
import { makeRows } from "./rows.ts";

const { frame } = makeRows(1500, 61);
const model = await trainPropensity(frame, {
  parameters: { width: 8, epochs: 3 },
  baselines: false,
});

/** What any tracker must do: the same checks on files and on a real MLflow server. */
async function checkTracker(tracker: Tracker): Promise<string> {
  const id = await trackModel(tracker, model, {
    experiment: "clickstream",
    name: "first",
    tags: { seed: "1" },
  });
  const run = await tracker.readRun(id);
  assert.equal(run.status, "FINISHED");
  assert.equal(run.experiment, "clickstream");
  assert.equal(run.name, "first");
  assert.equal(run.tags.seed, "1");
  assert.equal(run.parameters.width, "8");
  assert.ok(run.endedAt !== null && run.endedAt >= run.startedAt);
  const losses = run.metrics.filter(({ key }) => key === "loss").sort((a, b) => a.step - b.step);
  assert.deepEqual(losses.map(({ step }) => step), model.epochs.map(({ epoch }) => epoch));
  assert.deepEqual(losses.map(({ value }) => value), model.epochs.map(({ loss }) => loss));
  const brier = run.metrics.find(({ key }) => key === "test_brier");
  assert.equal(brier?.value, model.scores.test!.brier);
  assert.deepEqual(run.artefacts, [
    "model/MLmodel",
    "model/MODEL_CARD.md",
    "model/model.json",
    "model/propensity.json",
    "model/weights.bin",
  ]);
  const card = new TextDecoder().decode(await tracker.readArtefact(id, "model/MODEL_CARD.md"));
  assert.equal(card, modelCard(model));
  const second = await tracker.startRun({ experiment: "clickstream", name: "second" });
  await second.end("FAILED");
  assert.deepEqual(await tracker.listRuns("clickstream"), [id, second.id]);
  return id;
}

Deno.test("runs are kept as files with parameters, steps and artefacts", () =>
  withHome(async (home) => {
    const tracker = openTracker(loadConfig({ CLICKSTREAM_HOME: home, MLFLOW_TRACKING_URI: "" }));
    assert.equal(tracker.kind, "files");
    await checkTracker(tracker);
    assert.deepEqual(await tracker.listRuns("other"), []);
  }));

Deno.test("a run that was killed is read up to its last whole line", () =>
  withHome(async (home) => {
    const tracker = fileTracker(home);
    const run = await tracker.startRun({ experiment: "e", name: "n" });
    await run.logMetrics({ loss: 0.5, none: NaN, nothing: null }, 1);
    appendFileSync(join(home, run.id, "metrics.jsonl"), '{"key":"loss","va');
    const { metrics, status } = await tracker.readRun(run.id);
    assert.equal(status, "RUNNING");
    assert.deepEqual(metrics.map(({ key, value, step }) => [key, value, step]), [["loss", 0.5, 1]]);
    await assert.rejects(tracker.readRun("nothing"), /There is no run nothing/);
    await assert.rejects(tracker.readArtefact(run.id, "model/x"), /has no artefact model.x/);
    await assert.rejects(run.logArtefact("../x", "x"), /leaves the run's folder/);
  }));

Deno.test("without an MLflow server a training is kept in the home", () =>
  withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    const tags = { seed: "1" };
    const { runId, mlflowVersion } = await trackTraining(config, model, { name: "one", tags });
    assert.equal(mlflowVersion, null);
    const run = await openTracker(config).readRun(runId);
    assert.deepEqual([run.name, run.tags.seed, run.status], ["one", "1", "FINISHED"]);
  }));

Deno.test("the model card names rows, scores, features and limits", () => {
  const card = modelCard(model);
  assert.match(card, /\| train \| \d+ \| \d+ \| \d+ \|/);
  assert.match(card, /this model, test/);
  assert.match(card, /cart__events/);
});

Deno.test("an MLflow server out of reach is one sentence", async () => {
  const tracker = mlflowTracker({ trackingUri: "http://127.0.0.1:1" });
  await assert.rejects(tracker.startRun({ experiment: "e", name: "n" }), {
    name: "RegistryError",
    message: /The MLflow server at http:..127.0.0.1:1 is out of reach/,
  });
});

/** The `mlflow` program to test against: CLICKSTREAM_TEST_MLFLOW, else the one on the path. */
const mlflow = process.env.CLICKSTREAM_TEST_MLFLOW ??
  (spawnSync("mlflow", ["--version"]).status === 0 ? "mlflow" : null);

Deno.test({
  name: "a real MLflow server keeps runs, versions and aliases, and gives the model back",
  ignore: mlflow === null,
  fn: () =>
    withHome(async (home) => {
      const { server, trackingUri } = await startMlflow(home);
      try {
        const options = { trackingUri };
        const runId = await checkTracker(mlflowTracker(options));
        const name = "clickstream";
        assert.equal(await registerInMlflow(options, { name, runId, tags: { cutoff: "x" } }), 1);
        assert.equal(await registerInMlflow(options, { name, runId, description: "again" }), 2);
        await setAliasInMlflow(options, name, "production", 2);
        const versions = await listVersionsInMlflow(options, name);
        assert.deepEqual(versions.map(({ version, aliases }) => [version, aliases]), [
          [1, []],
          [2, ["production"]],
        ]);
        assert.equal(versions[0]!.tags.cutoff, "x");
        const loaded = await loadFromMlflow(options, name);
        assert.equal(loaded.mlflow.version, 2);
        for (const row of frame.head(20).toRecords()) {
          assert.equal(scoreRow(loaded, row), scoreRow(model, row));
        }
        const config = loadConfig({ CLICKSTREAM_HOME: home, MLFLOW_TRACKING_URI: trackingUri });
        const kept = await trackTraining({ ...config, model: { ...config.model, name } }, model, {
          name: "from a notebook",
        });
        assert.equal(kept.mlflowVersion, 3);
        assert.equal((await loadFromMlflow(options, name)).mlflow.version, 3);
        assert.deepEqual(readSignature(trackingUri, name), model.features);
        await assert.rejects(loadFromMlflow(options, name, "staging"), /MLflow answered 4\d\d/);
      } finally {
        await stop(server);
      }
    }),
});

/** The names of a version's inputs as MLflow's own Python client reads them from its signature. */
function readSignature(trackingUri: string, name: string): string[] {
  const python = mlflow === "mlflow" ? "python3" : join(dirname(mlflow!), "python3");
  const program = `import json, mlflow
info = mlflow.models.get_model_info("models:/${name}@production")
print(json.dumps(info.signature.inputs.input_names()))`;
  const { stdout, stderr } = spawnSync(python, ["-c", program], {
    env: { ...process.env, MLFLOW_TRACKING_URI: trackingUri },
    encoding: "utf8",
  });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

async function startMlflow(home: string): Promise<{ server: ChildProcess; trackingUri: string }> {
  const port = await freePort();
  const server = spawn(mlflow!, [
    ...["server", "--host", "127.0.0.1", "--port", String(port), "--workers", "1"],
    ...["--backend-store-uri", `sqlite:///${join(home, "mlflow.db")}`],
    ...["--artifacts-destination", join(home, "artefacts"), "--serve-artifacts"],
  ], { stdio: ["ignore", "ignore", "pipe"], detached: true });
  let words = "";
  server.stderr!.on("data", (chunk: Uint8Array) => {
    words = (words + new TextDecoder().decode(chunk)).slice(-1000);
  });
  const trackingUri = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 90_000;
  for (;;) {
    const health = await fetch(`${trackingUri}/health`).catch(() => null);
    await health?.body?.cancel();
    if (health?.ok) return { server, trackingUri };
    if (server.exitCode !== null) throw new Error(`mlflow server ended: ${words}`);
    if (Date.now() > deadline) {
      await stop(server);
      throw new Error(`mlflow server did not answer within 90 s: ${words}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Ends the server with the workers it started (its process group). */
async function stop(server: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => server.once("close", resolve));
  process.kill(-server.pid!, "SIGTERM");
  await ended;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
