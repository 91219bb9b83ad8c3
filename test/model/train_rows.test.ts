import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import pl from "nodejs-polars";
import { averagePrecision, type RowsReport, trainOnRows } from "clickstream/model";
import { projectRoot } from "clickstream/config";
import { withHome } from "../support.ts";
import { createRandom } from "../../lib/model/random.ts";

const QUICK = { epochs: 4, members: 2 };

/** A table like anyone's: numbers with gaps, texts unseen in training, a constant, an identifier. */
function table(rows: number, seed: number): pl.DataFrame {
  const random = createRandom(seed);
  const x = Array.from({ length: rows }, () => random.normal());
  const town = x.map(() => ["Rome", "Oslo", "Lima"][random.integer(3)]!);
  const late = seed === 3 ? "Kyiv" : "Rome";
  return pl.DataFrame({
    reference: x.map((_, i) => `${seed}-${i}`),
    split: x.map(() => "part"),
    x: x.map((value, i) => (i % 11 === 0 ? null : value)),
    count: x.map((_, i) => (i * 31) % 50),
    town: town.map((name, i) => (i % 13 === 0 ? late : i % 17 === 0 ? null : name)),
    bought: x.map((value, i) =>
      random.next() < 1 / (1 + Math.exp(1.5 - 1.5 * value - (town[i] === "Oslo" ? 1.5 : 0))) ? 1 : 0
    ),
  });
}

function writeRows(folder: string): void {
  table(3000, 1).writeParquet(join(folder, "train.parquet"));
  table(800, 2).writeParquet(join(folder, "validation.parquet"));
  table(900, 3).writeParquet(join(folder, "test.parquet"));
}

Deno.test("any rows are tuned, trained, and predicted in the order of test.parquet", () =>
  withHome(async (folder) => {
    writeRows(folder);
    const out = join(folder, "out");
    const lines: string[] = [];
    const report = await trainOnRows({
      rows: folder,
      label: "bought",
      drop: ["count"],
      trials: 4,
      parameters: QUICK,
      out,
      onProgress: (line) => lines.push(line),
    });
    const p = pl.readParquet(join(out, "predictions.parquet")).getColumn("p").toArray() as number[];
    const labels = table(900, 3).getColumn("bought").cast(pl.Float64).toArray() as number[];
    assert.equal(p.length, 900);
    assert.ok(Math.abs(averagePrecision(labels, p) - report.scores.test!.averagePrecision) < 1e-9);
    assert.ok(report.scores.test!.rocAuc! > 0.75, `${report.scores.test!.rocAuc}`);
    assert.deepEqual(report.features, ["x", "town"]);
    assert.deepEqual(report.dropped, [
      { name: "reference", reason: "names single rows" },
      { name: "split", reason: "is part in all rows" },
    ]);
    assert.deepEqual(report.leftOut, ["count"]);
    assert.equal(report.tuning!.trials, 4);
    assert.ok(report.intervals!.averagePrecision.low < report.scores.test!.averagePrecision);
    assert.equal(lines.filter((line) => line.startsWith("trial ")).length, 4);
    const written = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as RowsReport;
    assert.deepEqual(written.scores, report.scores);
  }));

Deno.test("test rows without a label are predicted all the same", () =>
  withHome(async (folder) => {
    writeRows(folder);
    table(50, 4).drop("bought").writeParquet(join(folder, "test.parquet"));
    const report = await trainOnRows({
      rows: folder,
      label: "bought",
      trials: 0,
      parameters: QUICK,
    });
    assert.equal(report.scores.test, null);
    assert.equal(report.intervals, null);
    assert.equal(pl.readParquet(join(folder, "predictions.parquet")).height, 50);
  }));

Deno.test("odd values have a defined behaviour: infinite, all null, true and false, times, unseen", () =>
  withHome(async (folder) => {
    const odd = (frame: pl.DataFrame, seed: number) => {
      const rows = Array.from({ length: frame.height }, (_, i) => i);
      return frame.withColumns(
        pl.Series("infinite", rows.map((i) => (i % 5 === 0 ? Infinity : i % 7 === 0 ? NaN : i))),
        pl.Series("empty", rows.map(() => null), pl.Float64),
        pl.Series("member", rows.map((i) => i % 2 === 0)),
        pl.Series("seen", rows.map((i) => new Date(Date.UTC(2024, seed, 1 + i % 20)))),
        pl.Series("shop", rows.map((i) => `shop ${seed} ${i % 40}`)),
      );
    };
    odd(table(2000, 1), 1).writeParquet(join(folder, "train.parquet"));
    odd(table(600, 2), 2).writeParquet(join(folder, "validation.parquet"));
    odd(table(300, 3), 3).writeParquet(join(folder, "test.parquet"));
    const report = await trainOnRows({
      rows: folder,
      label: "bought",
      trials: 0,
      parameters: QUICK,
    });
    assert.ok(report.features.includes("infinite") && report.features.includes("member"));
    assert.ok(report.features.includes("seen") && report.features.includes("shop"));
    assert.ok(report.dropped.some(({ name }) => name === "empty"));
    const p = pl.readParquet(join(folder, "predictions.parquet")).getColumn("p").toArray();
    assert.ok(p.every((value) => Number(value) > 0 && Number(value) < 1));
    assert.ok(report.scores.test!.rocAuc! > 0.7, `${report.scores.test!.rocAuc}`);
  }));

Deno.test("one class gives its rate and a note; lists, text labels and lost columns are named", () =>
  withHome(async (folder) => {
    const options = { rows: folder, label: "bought", trials: 3, parameters: QUICK };
    writeRows(folder);
    const never = table(3000, 1).withColumns(pl.lit(0).alias("bought"));
    never.writeParquet(join(folder, "train.parquet"));
    const report = await trainOnRows(options);
    assert.match(report.notes.join(" "), /one class only/);
    const p = pl.readParquet(join(folder, "predictions.parquet")).getColumn("p").toArray();
    assert.ok(p.length === 900 && p.every((value) => value === 0));
    writeRows(folder);
    table(900, 3).drop("town").writeParquet(join(folder, "test.parquet"));
    await assert.rejects(trainOnRows({ ...options, trials: 0 }), /town/);
    writeRows(folder);
    const text = table(3000, 1).withColumns(pl.col("bought").cast(pl.Utf8).add(pl.lit("!")));
    text.writeParquet(join(folder, "train.parquet"));
    await assert.rejects(trainOnRows(options), /label bought must be 0 or 1/);
    const lists = table(3000, 1).withColumns(pl.concatList(["x", "x"]).alias("pair"));
    lists.writeParquet(join(folder, "train.parquet"));
    await assert.rejects(trainOnRows(options), /pair.*no model can use/);
  }));

Deno.test("missing files, broken files and unknown columns are named", () =>
  withHome(async (folder) => {
    const options = { rows: folder, label: "bought", trials: 0, parameters: QUICK };
    await assert.rejects(trainOnRows(options), /train.parquet is missing/);
    writeRows(folder);
    await assert.rejects(trainOnRows({ ...options, label: "sold" }), /has no column sold/);
    await assert.rejects(trainOnRows({ ...options, drop: ["size"] }), /--drop names size/);
    writeFileSync(join(folder, "train.parquet"), "no parquet");
    await assert.rejects(trainOnRows(options), /train.parquet cannot be read as parquet/);
  }));

Deno.test("the command says in one sentence what is wrong, and exits with 1", async () => {
  const run = promisify(execFile);
  const command = join(projectRoot, "lib", "model", "commands", "train.ts");
  for (
    const [args, words] of [
      [["--rows", "nowhere"], /--rows and --label are needed. Usage/],
      [["--rows", "nowhere", "--label", "y", "--speed", "2"], /Unknown option '--speed'/],
      [["--", "--rows", "nowhere", "--label", "y"], /nowhere.train.parquet is missing/],
      [["--rows", "x", "--label", "y", "--trials", "many"], /--trials must be a whole number/],
    ] as const
  ) {
    await assert.rejects(run(process.execPath, ["run", "-A", command, ...args]), (error: Error) => {
      const { code, stderr } = error as Error & { code: number; stderr: string };
      assert.equal(code, 1);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /\n\s+at /);
      return true;
    });
  }
});
