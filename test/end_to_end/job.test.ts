import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, projectRoot } from "clickstream/config";
import { stopServices } from "clickstream/emulators";
import { stopServing } from "clickstream/serving";
import { withHome } from "../support.ts";

/** Runs RUNME with a home of its own and returns its exit code, its output and its results. */
async function runme(
  args: string[],
  body: (run: {
    code: number;
    lines: string[];
    results: Record<string, Record<string, number | string>>;
  }) => void,
): Promise<void> {
  await withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    try {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", join(projectRoot, "RUNME.ts"), ...args],
        env: { CLICKSTREAM_HOME: home, NO_COLOR: "1" },
      }).output();
      const text = new TextDecoder();
      const lines = (text.decode(stdout) + text.decode(stderr)).trim().split("\n");
      body({ code, lines, results: readResults(home) });
    } finally {
      await stopServing(config);
      await stopServices(config);
    }
  });
}

function readResults(home: string): Record<string, Record<string, number | string>> {
  const runs = join(home, "runs");
  if (!existsSync(runs)) return {};
  const [run] = [...Deno.readDirSync(runs)].filter((entry) => entry.isDirectory);
  const folder = join(runs, run!.name, "results");
  return Object.fromEntries(
    [...Deno.readDirSync(folder)].map(({ name }) => [
      name.replace(".json", ""),
      JSON.parse(readFileSync(join(folder, name), "utf8")).figures,
    ]),
  );
}

Deno.test("the whole job runs on a small shop, and its figures are those recorded", async () => {
  await runme(["--size", "6000"], ({ code, lines, results }) => {
    assert.equal(code, 0, lines.slice(-30).join("\n"));
    assert.match(lines.at(-1)!, /report\.html$/);
    const { "0b_prepare_data": staged, "2a_generate_live_events": sent } = results;
    assert.equal(staged!.staged, 6000);
    assert.equal(Number(staged!.historical) + Number(staged!["real-time"]), 6000);
    assert.equal(sent!.sent, staged!["real-time"]);
    assert.equal(results["2b_process_live_events_streaming"]!.messages, sent!.sent);
    assert.equal(results["2c_process_live_events_batch"]!.midnights, 27);
    // The share of historical events and the quality of the model, as recorded with seed 1.
    assert.ok(
      Math.abs(Number(staged!.historical) / 6000 - 0.81) < 0.02,
      String(staged!.historical),
    );
    const auc = Number(results["1b_train_model"]!["ROC AUC"]);
    assert.ok(auc > 0.55 && auc < 0.95, `ROC AUC ${auc}`);
  });
});

Deno.test("an unknown task is one sentence and an exit code, and nothing is run", async () => {
  await runme(["--only", "9z"], ({ code, lines, results }) => {
    assert.equal(code, 1);
    assert.match(lines.join("\n"), /9z/);
    assert.deepEqual(results, {});
  });
});
