/**
 * The gate (`deno task check`): format, lint, types of lib, tests, benchmarks and notebook cells,
 * clean and well-made notebooks, and the directions of imports. All parts run; one that fails makes
 * the exit code 1.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot, runCommand } from "clickstream/config";
import { type CommandResult, deno } from "./check/commands.ts";
import { directionFindings } from "./check/directions.ts";
import type { Finding } from "./check/finding.ts";
import { cleanNotebooks } from "./clean.ts";
import { checkCells, formatFindings, notebookFindings } from "./check/notebooks.ts";

interface Part {
  name: string;
  run: () => Promise<CommandResult>;
}

const PARTS: Part[] = [
  { name: "format", run: checkFormat },
  { name: "lint", run: () => deno(["lint", "--quiet"], projectRoot) },
  { name: "types", run: checkTypes },
  { name: "directions of imports", run: () => judge(directionFindings(projectRoot)) },
  { name: "notebooks: clean and well made", run: () => judge(notebookFindings(projectRoot)) },
  { name: "notebooks: format", run: checkNotebookFormat },
  { name: "notebooks: types and lint of cells", run: () => checkCells(projectRoot) },
];

/** The notebooks have a part of their own; an `--ignore` takes the place of the settings' excludes. */
async function checkFormat(): Promise<CommandResult> {
  const settings = JSON.parse(await Deno.readTextFile(join(projectRoot, "deno.json")));
  const ignored = [...settings.exclude ?? [], ...settings.fmt?.exclude ?? [], "notebooks/"];
  return deno(["fmt", "--check", `--ignore=${ignored.join(",")}`], projectRoot);
}

function checkTypes(): Promise<CommandResult> {
  const folders = ["lib", "test", "bench", "RUNME.ts"];
  const there = folders.filter((name) => hasTypeScript(join(projectRoot, name)));
  return deno(["check", "--quiet", ...there], projectRoot);
}

function hasTypeScript(path: string): boolean {
  if (!existsSync(path)) return false;
  if (!Deno.statSync(path).isDirectory) return path.endsWith(".ts");
  return [...Deno.readDirSync(path)].some((entry) => hasTypeScript(join(path, entry.name)));
}

async function checkNotebookFormat(): Promise<CommandResult> {
  const folder = join(projectRoot, "notebooks");
  const readable = notebookFindings(projectRoot).every(({ rule }) => rule !== "N1");
  const changed = readable ? await cleanNotebooks(folder, { dryRun: true }) : [];
  const message = "is not formatted as Jupyter and deno fmt write it: run deno task clean.";
  return judge(changed.map((name) => ({ file: `notebooks/${name}`, rule: "C5", message })));
}

function judge(findings: Finding[]): Promise<CommandResult> {
  return Promise.resolve({ ok: findings.length === 0, output: formatFindings(findings) });
}

/** Runs every part and prints how it went. */
async function check(): Promise<number> {
  let failed = 0;
  for (const { name, run } of PARTS) {
    const started = performance.now();
    const { ok, output } = await run();
    const took = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${ok ? "✓" : "✗"} ${name} (${took} s)`);
    if (!ok) {
      failed += 1;
      console.log(`\n${output}\n`);
    }
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(check);
