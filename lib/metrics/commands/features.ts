import { parseArgs } from "node:util";
import { resolve } from "node:path";
import { ConfigError, runCommand } from "clickstream/config";
import { progress } from "clickstream/display";
import { parseMapping, readEvents } from "clickstream/events";
import { closeLakehouse, openLakehouse, overwriteTable } from "clickstream/lakehouse";
import { metricSets, trainingTable } from "../definition.ts";
import { historySql } from "../history_sql.ts";
import { trainingColumns } from "../schema.ts";

const HELP = `CSV straight to the five __training Delta tables.

  deno task features -- --events FILE --out DIR [--map event_type=action,…] [--memory 4GB]

The tables are folders in DIR/clickstream. What does not fit into the memory is spilled to the disk.`;

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<void> {
  const { events, out, map, memory } = readOptions(args);
  const lake = await openLakehouse(resolve(out), { memoryLimit: memory });
  const connection = await lake.connect();
  try {
    const read = await readEvents(connection, resolve(events), { mapping: parseMapping(map) });
    const bar = progress("Features", { total: metricSets.length, unit: "tables" });
    for (const [done, set] of metricSets.entries()) {
      const source = { connection, sql: historySql(set, read.table) };
      await overwriteTable(lake, trainingTable(set), source, {
        columns: trainingColumns(set),
        description: `history of metrics: ${set.description}`,
      });
      bar.update(done + 1, trainingTable(set));
    }
    await bar.finish();
    console.log(`${read.rows} events (${read.rejected} rejected) to ${resolve(out)}`);
  } finally {
    connection.closeSync();
    await closeLakehouse(lake);
  }
}

interface Options {
  events: string;
  out: string;
  map: string;
  memory: string;
}

function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        events: { type: "string" },
        out: { type: "string" },
        map: { type: "string", default: "" },
        memory: { type: "string", default: "4GB" },
      },
    });
    if (values.events === undefined || values.out === undefined) {
      throw new Error("--events and --out are needed");
    }
    if (!/^\d+(\.\d+)?\s*[KMGT]i?B$/i.test(values.memory)) {
      throw new Error(`--memory ${values.memory} is no size such as 4GB`);
    }
    return { ...values, events: values.events, out: values.out };
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}.\n${HELP}`, { cause });
  }
}
