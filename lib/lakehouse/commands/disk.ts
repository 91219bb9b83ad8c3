import { homePaths, loadConfig, runCommand } from "clickstream/config";
import { formatBytes, table } from "clickstream/display";
import { diskUse } from "../diskUse.ts";
import { closeLakehouse, openLakehouse } from "../lake.ts";

if (import.meta.main) await runCommand(main);

/** `deno task disk`: what each of the home's tables takes on disk, the largest first. */
async function main(): Promise<void> {
  const lake = await openLakehouse(homePaths(loadConfig()).lakehouse);
  try {
    const uses = await diskUse(lake);
    if (uses.length === 0) return console.log(`No tables in ${lake.root} yet.`);
    await table(
      uses.map((use) => ({
        table: use.table,
        rows: use.rows,
        files: use.files,
        live: formatBytes(use.liveBytes),
        "old versions": formatBytes(use.oldBytes),
        log: formatBytes(use.logBytes),
      })),
      { limit: uses.length },
    );
  } finally {
    await closeLakehouse(lake);
  }
}
