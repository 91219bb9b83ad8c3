/**
 * Speed of the Delta tables: `deno run -A bench/lakehouse.ts`. Prints a table with times, and with the
 * ratios that must not grow with a table's size or history.
 */
import { join } from "node:path";
import {
  appendTo,
  checkpoint,
  closeLakehouse,
  createTable,
  type Lakehouse,
  mergeInto,
  openLakehouse,
  overwriteTable,
  records,
  snapshot,
} from "clickstream/lakehouse";
import { environmentLine } from "./environment.ts";

const home = await Deno.makeTempDir({ prefix: "clickstream-bench-" });
const root = join(home, "lakehouse");

/** Prints a row of the table. */
function note(what: string, milliseconds: number, remark = "", target = ""): void {
  console.log(`| ${what} | ${milliseconds.toFixed(1)} | ${remark} | ${target} |`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

const thousand = (from: number) => ({
  sql: `select ${from} + i as id, 'name ' || i as name, i * 0.5 as value from range(1000) r(i)`,
});

/** Appends at version 10 and at version 1,000, in turns. */
async function appends(lake: Lakehouse): Promise<void> {
  for (const [table, versions] of [["young", 10], ["old", 1000]] as const) {
    await overwriteTable(lake, table, thousand(0));
    for (let version = 1; version < versions; version++) await appendTo(lake, table, thousand(0));
  }
  const times = { young: [] as number[], old: [] as number[] };
  for (let round = 0; round < 20; round++) {
    for (const table of ["young", "old"] as const) {
      times[table].push(await timed(() => appendTo(lake, table, thousand(0))));
      await Promise.all(lake.background);
    }
  }
  const [young, old] = [median(times.young), median(times.old)];
  note("append of 1,000 rows at version 10", young);
  note(
    "append of 1,000 rows at version 1,000",
    old,
    `${(old / young).toFixed(2)} times that`,
    "1.3 times",
  );
  const count = "select count(*), sum(value) from old where id >= 0";
  note("query over 1,000 small files", median(await several(5, () => records(lake, count))));
}

async function several(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let round = 0; round < times; round++) taken.push(await timed(work));
  return taken;
}

/** The snapshot of a table whose log has 10,000 commits, by a handle that knows nothing of it yet. */
async function coldSnapshot(lake: Lakehouse): Promise<void> {
  await createTable(lake, "long", {
    columns: [{ name: "id", type: "long" }, { name: "name", type: "string" }],
  });
  const log = join(root, "clickstream/long/_delta_log");
  for (let version = 1; version <= 10_000; version++) {
    const stats = JSON.stringify({
      numRecords: 1000,
      minValues: { id: version * 1000, name: "name 0" },
      maxValues: { id: version * 1000 + 999, name: "name 999" },
      nullCount: { id: 0, name: 0 },
    });
    const add = {
      path: `part-${crypto.randomUUID()}/data_0.parquet`,
      partitionValues: {},
      size: 9999,
      modificationTime: Date.now(),
      dataChange: true,
      stats,
      tags: { "clickstream.columns": "all counted" },
    };
    await Deno.writeTextFile(
      join(log, `${String(version).padStart(20, "0")}.json`),
      JSON.stringify({ add }) + "\n",
    );
  }
  await checkpoint(lake, "long");
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const fresh = await openLakehouse(root);
    times.push(await timed(() => snapshot(fresh, "long")));
    await closeLakehouse(fresh);
  }
  note("snapshot of 10,000 commits from a checkpoint", median(times), "", "100 ms");
}

/** Merges of 1,000 changed keys, 90 % of them among the newest tenth. */
async function merges(lake: Lakehouse): Promise<void> {
  const medians: number[] = [];
  for (const size of [10_000, 100_000, 1_000_000]) {
    const table = `rows_${size}`;
    await overwriteTable(lake, table, {
      sql:
        `select i as id, 'user ' || hash(i) as name, i * 0.5 as a, i * 2 as b, now()::timestamp as t
        from range(${size}) r(i)`,
    });
    const times: number[] = [];
    for (let round = 0; round < 7; round++) {
      const source = {
        sql: `select case when i % 10 = 0 then hash(i + ${round * 1000}) % ${size}
          else ${size} - 1 - hash(i * 7 + ${round}) % ${size / 10} end::bigint as id,
          'changed' as name, 1.5 as a, 2 as b, now()::timestamp as t
          from range(1000) r(i) qualify row_number() over (partition by id) = 1`,
      };
      times.push(await timed(() => mergeInto(lake, table, source, { keys: ["id"] })));
    }
    medians.push(median(times));
    const ratio = `${(medians.at(-1)! / medians[0]!).toFixed(1)} times the first`;
    const target = size === 1_000_000 ? "10 times" : "";
    note(
      `merge of 1,000 keys into ${size.toLocaleString("en")} rows`,
      medians.at(-1)!,
      ratio,
      target,
    );
  }
}

/** Merges of 2,000 keys, mostly new and without order, one after the other. */
async function streamOfMerges(lake: Lakehouse): Promise<void> {
  await createTable(lake, "gold", {
    columns: [{ name: "key", type: "string" }, { name: "views", type: "long" }],
  });
  await appendTo(lake, "gold", {
    sql: "select md5(i::text) as key, i as views from range(500000) r(i)",
  });
  const times: number[] = [];
  const rounds = 300;
  for (let round = 0; round < rounds; round++) {
    const source = {
      sql: `select md5((case when i < 1900 then 500000 + ${round} * 1900 + i
        else 500000 + (${round} * 1900) - i end)::text) as key, 1 as views from range(2000) r(i)`,
    };
    times.push(await timed(() => mergeInto(lake, "gold", source, { keys: ["key"] })));
  }
  const tenth = rounds / 10;
  const [first, last] = [median(times.slice(0, tenth)), median(times.slice(-tenth))];
  const { files } = await snapshot(lake, "gold");
  note(`merges of 2,000 keys, first ${tenth} of ${rounds}`, first);
  const longest = Math.max(...times).toFixed(0);
  const ratio = `${
    (last / first).toFixed(2)
  } times that; ${files.size} files, longest ${longest} ms`;
  note(`merges of 2,000 keys, last ${tenth} of ${rounds}`, last, ratio);
}

console.log(await environmentLine());
console.log("\n| what | milliseconds (median) | | target |\n| - | -: | - | - |");
const lake = await openLakehouse(root);
try {
  for (const part of [merges, streamOfMerges, coldSnapshot, appends]) await part(lake);
} finally {
  await closeLakehouse(lake);
  await Deno.remove(home, { recursive: true });
}
// Left to end by itself, a process that held large results of DuckDB can crash after its last line.
Deno.exit(0);
