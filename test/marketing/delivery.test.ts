import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  assertTies,
  deliver,
  generateLanding,
  inputsOf,
  landedHours,
  landingFolder,
  runHour,
} from "clickstream/marketing";
import { DuckDBInstance } from "@duckdb/node-api";
import { withHome } from "../support.ts";
import {
  allTables,
  deliverHour,
  hitFile,
  SALES_HEADER,
  textFile,
  until,
  withPipeline,
} from "./support.ts";

const HOUR = "20101201_08";
const HIT = { ts: "2010-12-01 08:10:00", userid: "1" };

function script(name: string, ...args: string[]): Deno.ChildProcess {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", path, ...args],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

Deno.test("A delivery killed between two files is not whole, and the next one is taken as if it had not been", async () => {
  await withPipeline(async (pipeline) => {
    const { signal } = await script("./killed_delivery.ts", pipeline.landing, HOUR).status;
    assert.equal(signal, "SIGKILL");
    deliver(pipeline.landing, HOUR, "sales", []);
    const { waitsFor } = inputsOf(pipeline.landing, HOUR);
    assert.equal(waitsFor, "omniture: files are there without _SUCCESS");
    // What a writer killed in the middle of a file leaves.
    const folder = landingFolder(pipeline.landing, HOUR, "omniture");
    Deno.writeTextFileSync(join(folder, "other.tsv.delivery.tmp"), "2010-12");
    deliver(pipeline.landing, HOUR, "omniture", [hitFile([HIT], "first.tsv")]);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.hits, status.rejected], ["succeeded", 1, 0]);
  });
});

/** Bytes of every file below a folder, by path. */
function filesBelow(root: string, folder = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) { for (const [p, text] of filesBelow(root, path)) found.set(p, text); }
    else found.set(path, readFileSync(join(root, path), "base64"));
  }
  return found;
}

Deno.test("A generator killed while it delivers, and started again, leaves the landing zone of one that was not", async () => {
  await withHome(async (home) => {
    const span = { from: HOUR, to: "20101202_07" };
    const sales = join(home, "sales.csv");
    const sold = Array.from(
      { length: 60 },
      (_, i) =>
        `${i},A1,BOX,1,2010-12-0${1 + i % 2} 1${i % 10}:${10 + i % 40}:00,2.5,${
          100 + i % 9
        },France`,
    );
    writeFileSync(sales, [SALES_HEADER, ...sold, ""].join("\n"));
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const generate = (name: string) =>
      generateLanding(connection, {
        landing: join(home, name),
        truth: join(home, `${name}-truth`),
        sales,
        ...span,
      });
    const child = script("./killed_generator.ts", join(home, "killed"), span.from, span.to, sales);
    const started = () =>
      existsSync(join(home, "killed")) && readdirSync(join(home, "killed")).length > 3;
    await until(started);
    child.kill("SIGKILL");
    await child.status;
    await generate("killed");
    await generate("whole");
    connection.closeSync();
    instance.closeSync();
    assert.deepEqual(filesBelow(join(home, "killed")), filesBelow(join(home, "whole")));
  });
});

Deno.test("What was taken lies aside, and a killed clean-up is done again with the same tables", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, HOUR, [HIT], [["1", "2010-12-01 08:15:00", 1, 2, "1"]]);
    await runHour(pipeline, HOUR);
    const tables = await allTables(pipeline);
    assert.deepEqual(landedHours(pipeline.landing), []);
    const folder = landingFolder(pipeline.landing, HOUR, "omniture");
    const taken = join(pipeline.landing, "_taken", HOUR, "omniture");
    assert.deepEqual(readdirSync(taken), ["hits.tsv"]);
    // Killed before the second flag came down: its file is aside already, or not yet.
    for (const back of [[], ["hits.tsv"]]) {
      mkdirSync(folder, { recursive: true });
      for (const name of back) renameSync(join(taken, name), join(folder, name));
      Deno.writeTextFileSync(join(folder, "_SUCCESS"), "");
      assert.equal((await runHour(pipeline, HOUR)).state, "succeeded");
      assert.deepEqual(await allTables(pipeline), tables);
      assert.deepEqual(landedHours(pipeline.landing), []);
    }
  });
});

Deno.test("A file that comes once its hour has run waits for its flag, and is then added", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, HOUR, [HIT]);
    await runHour(pipeline, HOUR);
    const folder = landingFolder(pipeline.landing, HOUR, "omniture");
    mkdirSync(folder, { recursive: true });
    const late = hitFile([{ ...HIT, userid: "2" }], "late.tsv");
    Deno.writeFileSync(join(folder, late.name), late.bytes);
    const reason = "omniture: files are there without _SUCCESS";
    const { waitsFor, fresh } = inputsOf(pipeline.landing, HOUR);
    assert.deepEqual([waitsFor, fresh], [reason, false]);
    Deno.writeTextFileSync(join(folder, "_SUCCESS"), "");
    assert.deepEqual(inputsOf(pipeline.landing, HOUR).waitsFor, null);
    assert.equal((await runHour(pipeline, HOUR)).hits, 2);
    assert.equal((await assertTies(pipeline)).sessions, 2);
  });
});

Deno.test("A file name with a quote in it is a file like any other", async () => {
  await withPipeline(async (pipeline) => {
    deliver(pipeline.landing, HOUR, "omniture", [
      { ...hitFile([HIT]), name: "o'clock.tsv" },
      textFile("it's bad.tsv", ["x"]),
    ]);
    deliver(pipeline.landing, HOUR, "sales", []);
    const { hits, rejected } = await runHour(pipeline, HOUR);
    assert.deepEqual([hits, rejected], [1, 1]);
    await assertTies(pipeline);
  });
});
