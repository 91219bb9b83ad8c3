import { join, relative } from "node:path";
import { appendTo, deleteFrom } from "clickstream/lakehouse";
import { LandingError } from "./errors.ts";
import { inputsOf, type Kind, KINDS, refuse } from "./landing.ts";
import type { LoadedFile } from "./journal.ts";
import { filledHitsSql, NEW_HITS, reject, takeHits, type Taken } from "./omniture.ts";
import type { Pipeline, Unit } from "./pipeline.ts";
import { quote } from "./quote.ts";
import { NEW_SALES, takeSales } from "./sales.ts";
import { unpackFile } from "./unpack.ts";

const TAKE = { omniture: takeHits, sales: takeSales } as const;

/**
 * Step 1: loads the delivered files of the unit's hours into the raw tables. A file is known by
 * its hash: one that was loaded before is passed over, wherever it comes from. A file with new
 * content under a name that was loaded takes the place of the old one's rows. Lines that cannot be
 * read go to `raw.rejects` with file, line and reason.
 *
 * @returns the files loaded now
 * @throws {LandingError} when a file cannot be read at all; it is in `raw.rejects`, and no file of
 *   the unit is loaded
 */
export async function addPartition(pipeline: Pipeline, unit: Unit): Promise<LoadedFile[]> {
  const { connection, journal } = pipeline;
  await connection.run(
    `CREATE OR REPLACE TABLE unit.new_hits (${NEW_HITS});
     CREATE OR REPLACE TABLE unit.new_sales (${NEW_SALES});
     CREATE OR REPLACE TABLE unit.new_rejects (kind VARCHAR, source_file VARCHAR, line BIGINT,
       reason VARCHAR, raw VARCHAR, date_ts VARCHAR)`,
  );
  const loaded: LoadedFile[] = [];
  for (const hour of unit.hours) {
    const { files } = inputsOf(pipeline.landing, hour);
    for (const kind of KINDS) {
      for (const path of files[kind]) {
        const file = await take(pipeline, unit, { path, hour, kind }, loaded);
        if (file !== null) loaded.push(file);
      }
    }
  }
  const first = !unit.again && unit.hours.every((hour) => journal.filesOf(hour).length === 0);
  const hits = sum(loaded.filter(({ kind }) => kind === "omniture"), "rows");
  const sales = sum(loaded.filter(({ kind }) => kind === "sales"), "rows");
  await Promise.all([
    commit(pipeline, unit, "raw.omniturelogs", "new_hits", hits, loaded),
    commit(pipeline, unit, "raw.sales", "new_sales", sales, loaded),
    commit(pipeline, unit, "raw.rejects", "new_rejects", sum(loaded, "rejected"), loaded),
  ]);
  journal.addFiles(loaded);
  if (first) unit.brought = { hits, sales };
  return loaded;
}

function sum(files: readonly LoadedFile[], what: "rows" | "rejected"): number {
  return files.reduce((total, file) => total + file[what], 0);
}

async function take(
  pipeline: Pipeline,
  unit: Unit,
  { path, hour, kind }: { path: string; hour: string; kind: Kind },
  loaded: readonly LoadedFile[],
): Promise<LoadedFile | null> {
  const name = relative(pipeline.landing, path).replaceAll("\\", "/");
  const file = { name, hour };
  try {
    const { sha256, bytes } = unpackFile(path);
    const known = loaded.find((other) => other.sha256 === sha256) ??
      pipeline.journal.fileByHash(sha256);
    if (known !== undefined) return null;
    const scratch = join(pipeline.lake.scratch, "incoming");
    const taken: Taken = await TAKE[kind](pipeline, { ...file, bytes, scratch });
    return { sha256, date_ts: hour, kind, name, ...taken };
  } catch (error) {
    if (!(error instanceof LandingError)) throw error;
    await pipeline.connection.run("DELETE FROM unit.new_rejects");
    await reject(pipeline, file, kind, [{ line: null, raw: "", reason: error.message }]);
    await commit(pipeline, { ...unit, again: true }, "raw.rejects", "new_rejects", 1, [{ name }]);
    refuse(pipeline.landing, hour, kind, path);
    throw error;
  }
}

/** Appends what was staged; rows of the same files are replaced, which makes a second try safe. */
async function commit(
  pipeline: Pipeline,
  unit: Unit,
  table: string,
  staged: string,
  rows: number,
  files: readonly Pick<LoadedFile, "name">[],
): Promise<void> {
  if (files.length === 0) return;
  if (unit.again) await removeFiles(pipeline, table, files);
  if (rows === 0) return;
  pipeline.onCommit(table);
  const relation = table === "raw.omniturelogs" ? await filledHitsSql(pipeline) : `unit.${staged}`;
  await appendTo(pipeline.lake, table, { relation }, { omitAbsent: true });
}

/** Takes rows out that an earlier try, or an earlier delivery under the same name, has left. */
async function removeFiles(
  pipeline: Pipeline,
  table: string,
  files: readonly Pick<LoadedFile, "name">[],
): Promise<void> {
  const names = files.map(({ name }) => quote(name)).join(", ");
  await deleteFrom(pipeline.lake, table, `source_file IN (${names})`);
}
