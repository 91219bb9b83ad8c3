import { type Cell, type Notebook, tagsOf } from "../notebook/mod.ts";
import type { Finding } from "./finding.ts";

/** The kernel every notebook names. */
const KERNELSPEC = { display_name: "Deno (Clickstream)", language: "typescript", name: "deno" };
const LANGUAGE_INFO = {
  codemirror_mode: "typescript",
  file_extension: ".ts",
  mimetype: "text/x.typescript",
  name: "typescript",
  nbconvert_exporter: "script",
  pygments_lexer: "typescript",
  version: "6.0.3",
};
const CELL_METADATA = ["tags"];
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Calls of the show helpers; a cell with one must show something when it is run. */
const SHOWS = /^\s*await (?:chart|table|diagram|markdown|conclude)\(/m;

/**
 * What keeps a notebook from being committed, by rule: C1 no outputs, C2 no execution counts,
 * C3 only allowed metadata, C4 cell ids that are there, well formed and unique, C6 cells
 * that show something are tagged `expects-output`. (C5, the format, needs `deno fmt`: see clean.ts.)
 */
export function cleanFindings(notebook: Notebook, file: string): Finding[] {
  const findings: Finding[] = [];
  const add = (rule: string, message: string, cell?: number) =>
    findings.push({ file, cell, rule, message });
  const seen = new Set<string>();
  notebook.cells.forEach((cell, i) => {
    const number = i + 1;
    if (cell.outputs.length > 0) add("C1", "has outputs", number);
    if (cell.execution_count !== null) add("C2", "has an execution count", number);
    const extra = Object.keys(cell.metadata).filter((key) => !CELL_METADATA.includes(key));
    if (extra.length > 0) add("C3", `has metadata ${extra.join(", ")}`, number);
    if (!ID.test(cell.id) || seen.has(cell.id)) add("C4", `needs an id of its own`, number);
    seen.add(cell.id);
    if (lacksTag(cell)) add("C6", "shows something and lacks the tag expects-output", number);
  });
  const wanted = JSON.stringify({ kernelspec: KERNELSPEC, language_info: LANGUAGE_INFO });
  if (JSON.stringify(notebook.metadata) !== wanted) {
    add("C3", "has other notebook metadata than the kernel's");
  }
  return findings.map((finding) => ({
    ...finding,
    message: `${finding.message}: run deno task clean.`,
  }));
}

/** A copy of the notebook with all of that mended. Ids that are fine stay as they are. */
export function cleaned(notebook: Notebook): Notebook {
  const seen = new Set<string>();
  const cells = notebook.cells.map((cell, i): Cell => {
    const id = ID.test(cell.id) && !seen.has(cell.id) ? cell.id : newId(i, seen);
    seen.add(id);
    const tags = [...tagsOf(cell), ...(lacksTag(cell) ? ["expects-output"] : [])];
    const metadata = tags.length > 0 ? { tags } : {};
    return { ...cell, id, metadata, outputs: [], execution_count: null };
  });
  return {
    metadata: { kernelspec: KERNELSPEC, language_info: LANGUAGE_INFO },
    nbformat: 4,
    nbformat_minor: 5,
    cells,
  };
}

function lacksTag(cell: Cell): boolean {
  return cell.cell_type === "code" && SHOWS.test(cell.source) &&
    !tagsOf(cell).some((tag) => tag.startsWith("expects-output"));
}

function newId(index: number, taken: ReadonlySet<string>): string {
  for (let number = index + 1;; number++) {
    if (!taken.has(`cell-${number}`)) return `cell-${number}`;
  }
}
