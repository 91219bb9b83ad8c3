/**
 * The Deno side of run_spark.sh: `spark.ts PYTHON FOLDER IVY`. Writes a silver table, the five
 * history tables and the five tables of current values; has `spark:metrics` write the history too,
 * and its script the current values; and compares every row and column.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  appendTo,
  closeLakehouse,
  type Lakehouse,
  openLakehouse,
  overwriteTable,
  records,
  snapshot,
} from "clickstream/lakehouse";
import {
  currentSql,
  historySql,
  inferenceColumns,
  inferenceTable,
  metricSets,
  trainingColumns,
  trainingTable,
} from "clickstream/metrics";
import { historySource, type SparkPlan } from "../../lib/metrics/spark/plan.ts";

const METRICS = new URL("../../lib/metrics/", import.meta.url);
const COMMAND = fileURLToPath(new URL("commands/spark_metrics.ts", METRICS));
const SCRIPT = fileURLToPath(new URL("spark/write_tables.py", METRICS));
const SILVER = "electronics_events_silver";
const CUTOFF = new Date("2021-02-02T10:00:00Z");

/**
 * Events of two weeks over a month's end: few users and moments, so that ties, repeats and several
 * midnights are common; null sessions, unknown types, null prices, neighbours beyond 2^53.
 */
function silverSql(from: number, to: number): string {
  const pick = (salt: number, of: number) => `(hash(i * 16 + ${salt}) % ${of})::bigint`;
  return `select
    timestamp '2021-01-25 20:00:00' + to_seconds(${pick(1, 7)} * 86400 + ${pick(2, 60)} * 450)
      + to_microseconds(${pick(3, 2)}) as event_time,
    ['view', 'view', 'view', 'cart', 'purchase', 'remove_from_cart'][${pick(4, 6)} + 1]
      as event_type,
    1515915625353900000 + ${pick(5, 40)} as product_id, null::bigint as category_id,
    null::varchar as category_code, null::varchar as brand,
    case when ${pick(6, 9)} = 0 then null else ${pick(7, 10_000_000)} / 99900 end as price,
    9007199254740990 + ${pick(8, 50)} as user_id,
    case when ${pick(9, 12)} = 0 then null else 'é' || ${pick(10, 4)} end as user_session,
    false as is_late, null::integer as partition, null::bigint as sequence_number,
    timestamp '1970-01-01' as ingest_ts, timestamp '2021-02-01' as current_ts
    from range(${from}, ${to}) r(i)`;
}

async function writeHere(lake: Lakehouse): Promise<void> {
  await overwriteTable(lake, SILVER, { sql: silverSql(0, 3000) });
  await appendTo(lake, SILVER, { sql: silverSql(3000, 6000) });
  const live = `select * replace (0 as partition, 1 as sequence_number) from (${
    silverSql(6000, 6100)
  })`;
  await appendTo(lake, SILVER, { sql: live });
  for (const set of metricSets) {
    const source = { sql: historySql(set, historySource(set, CUTOFF)) };
    await overwriteTable(lake, trainingTable(set), source, { columns: trainingColumns(set) });
  }
  for (const { name, sql, columns } of currentPlan(root).tables) {
    await overwriteTable(lake, name, { sql }, { columns });
  }
}

/** The current values over all events of silver, as the daily batch and the recounts take them. */
function currentPlan(root: string): SparkPlan {
  const tables = metricSets.map((set) => ({
    name: inferenceTable(set),
    path: join(root, "spark", inferenceTable(set)),
    description: set.description,
    sql: currentSql(set, SILVER),
    columns: inferenceColumns(set).filter(({ name }) =>
      !["ingest_ts", "current_ts", "version"].includes(name)
    ),
  }));
  return { sources: [{ name: SILVER, path: join(root, "clickstream", SILVER) }], tables };
}

async function writeWithSpark(python: string, root: string, ivy: string): Promise<void> {
  const settings = [
    `spark.jars.ivy=${ivy}`,
    "spark.ui.enabled=false",
    "spark.sql.shuffle.partitions=2",
    "spark.databricks.delta.snapshotPartitions=1",
    "spark.driver.bindAddress=127.0.0.1",
    "spark.driver.host=127.0.0.1",
  ];
  const spark = ["--master", "local[2]", ...settings.flatMap((setting) => ["--conf", setting])];
  const options = {
    silver: join(root, "clickstream", SILVER),
    out: join(root, "spark"),
    cutoff: CUTOFF.toISOString(),
    python,
  };
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  await run(Deno.execPath(), ["run", "-A", COMMAND, ...given, ...spark]);
  const plan = join(root, "plan.json");
  await Deno.writeTextFile(plan, JSON.stringify(currentPlan(root)));
  await run(python, [SCRIPT, plan, ...spark]);
}

async function run(program: string, args: string[]): Promise<void> {
  const { code } = await new Deno.Command(program, { args }).spawn().status;
  assert.equal(code, 0, `${args.find((arg) => /\.(ts|py)$/.test(arg))} failed`);
}

async function compare(lake: Lakehouse, table: string): Promise<void> {
  const [ours, theirs] = [await snapshot(lake, table), await snapshot(lake, `spark.${table}`)];
  const shape = ({ schema }: typeof ours) =>
    schema.map(({ name, type, nullable }) => `${name} ${type} ${nullable ?? true}`);
  assert.deepEqual(shape(theirs), shape(ours), table);
  const differing = (left: string, right: string) =>
    `select * from ${left} except all
    select * from ${right}`;
  const rows = await records(
    lake,
    `(${differing(table, `spark.${table}`)}) union all (${differing(`spark.${table}`, table)})`,
  );
  assert.deepEqual(rows.slice(0, 3), [], `${table}: ${rows.length} rows differ`);
  const [{ n }] = await records(lake, `select count(*) as n from ${table}`) as [{ n: bigint }];
  assert.ok(n >= 40n, `${table} has ${n} rows`);
  console.log(`${table}: ${n} rows, the same from DuckDB and from Spark`);
}

const [python, folder, ivy] = Deno.args;
const root = join(folder!, "lakehouse");
const lake = await openLakehouse(root, { threads: 1 });
try {
  await writeHere(lake);
  await writeWithSpark(python!, root, ivy!);
  for (const set of metricSets) {
    await compare(lake, trainingTable(set));
    await compare(lake, inferenceTable(set));
  }
} finally {
  await closeLakehouse(lake);
}
Deno.exit(0);
