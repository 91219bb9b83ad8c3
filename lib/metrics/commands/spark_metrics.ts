import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ConfigError, loadConfig, runCommand } from "clickstream/config";
import { sparkPlan, type SparkPlanOptions } from "../spark/plan.ts";

const SCRIPT = fileURLToPath(new URL("../spark/write_tables.py", import.meta.url));
const REQUIREMENTS = "lib/metrics/spark/requirements.txt";

const HELP = `The five __training tables, written by Spark from the same SQL and silver table.

  deno task spark:metrics [-- OPTIONS]
    --silver PATH     the silver Delta table; default: the home's
    --out PATH        where the tables lie; default: beside the home's silver table
    --cutoff TIME     daily values are known up to the midnight before it; default: all of history
    --master M        Spark master; default: SPARK_MASTER, else local[*]
    --conf KEY=VALUE  a Spark setting, may be repeated
    --python FILE     a Python with ${REQUIREMENTS}; default: SPARK_PYTHON, else python3
    --plan FILE       only write the plan, to run lib/metrics/spark/write_tables.py FILE on a
                      cluster (Databricks: as a Python task, with --silver and --out abfss://…)`;

interface Options extends SparkPlanOptions {
  python: string;
  plan: string | undefined;
  sparkArguments: string[];
}

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<void> {
  const options = readOptions(args);
  const text = JSON.stringify(sparkPlan(options), null, 2);
  if (options.plan !== undefined) {
    await Deno.writeTextFile(options.plan, text);
    console.log(`Plan: ${options.plan}`);
    return;
  }
  const plan = await Deno.makeTempFile({ prefix: "clickstream-spark-", suffix: ".json" });
  try {
    await Deno.writeTextFile(plan, text);
    await runPython(options.python, [SCRIPT, plan, ...options.sparkArguments]);
  } finally {
    await Deno.remove(plan);
  }
}

function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        silver: { type: "string" },
        out: { type: "string" },
        cutoff: { type: "string" },
        master: { type: "string", default: Deno.env.get("SPARK_MASTER") ?? "local[*]" },
        conf: { type: "string", multiple: true, default: [] },
        python: { type: "string", default: Deno.env.get("SPARK_PYTHON") ?? "python3" },
        plan: { type: "string" },
      },
    });
    const tables = join(loadConfig().home, "lakehouse/clickstream");
    const cutoff = values.cutoff === undefined ? undefined : new Date(values.cutoff);
    if (Number.isNaN(cutoff?.getTime())) throw new Error(`--cutoff ${values.cutoff} is no time`);
    return {
      silver: values.silver ?? join(tables, "electronics_events_silver"),
      out: values.out ?? tables,
      ...(cutoff === undefined ? {} : { cutoff }),
      python: values.python,
      plan: values.plan,
      sparkArguments: ["--master", values.master, ...values.conf.flatMap((c) => ["--conf", c])],
    };
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}.\n${HELP}`, { cause });
  }
}

async function runPython(python: string, args: string[]): Promise<void> {
  const probe = await run(python, ["-c", "import pyspark, delta"], "null").catch(() => 1);
  if (probe !== 0) {
    throw new ConfigError(
      `${python} has no PySpark with Delta. Make one: python3 -m venv spark && ` +
        `spark/bin/pip install -r ${REQUIREMENTS}, then SPARK_PYTHON=spark/bin/python ` +
        "deno task spark:metrics (Java 17 is needed too).",
    );
  }
  const code = await run(python, args, "inherit");
  if (code !== 0) throw new ConfigError(`Spark ended with code ${code}: its own words are above.`);
}

async function run(python: string, args: string[], output: "null" | "inherit"): Promise<number> {
  const command = new Deno.Command(python, { args, stdout: output, stderr: output });
  return (await command.output()).code;
}
