import { type Cell, declaredParameters, type Notebook, tagsOf } from "../notebook/mod.ts";
import type { Finding } from "./finding.ts";

/** Longest code cell, in lines, and the length that only some cells may pass. */
const LONGEST_CELL = 60;
const USUAL_CELL = 30;
/** Code cells that may follow each other without a word between them. */
const MOST_IN_A_ROW = 2;

type Add = (message: string, cell?: number) => void;

interface Rule {
  name: string;
  check: (notebook: Notebook, add: Add) => void;
}

/** The rules every notebook of the project keeps. */
const RULES: Rule[] = [
  { name: "S1", check: startsWithTitle },
  { name: "S2", check: saysNeedsAndMakes },
  { name: "S3", check: hasParameters },
  { name: "S4", check: wordsBeforeCode },
  { name: "S5", check: titledCells },
  { name: "S6", check: shortCells },
  { name: "S7", check: endsWithChecks },
  { name: "S8", check: hasExercise },
  { name: "S9", check: importsByAlias },
  { name: "S10", check: runsInTheKernel },
];

/** What is wrong with the structure of a notebook, by numbered rule. */
export function structureFindings(notebook: Notebook, file: string): Finding[] {
  return RULES.flatMap(({ name, check }) => {
    const findings: Finding[] = [];
    check(notebook, (message, cell) => findings.push({ file, cell, rule: name, message }));
    return findings;
  });
}

/** S1: the first cell is markdown, has one title, and says how long reading and running take. */
function startsWithTitle({ cells }: Notebook, add: Add): void {
  const first = cells[0];
  const titles = first?.source.match(/^# .+/gm) ?? [];
  if (first?.cell_type !== "markdown" || titles.length !== 1) {
    return add("The first cell must be markdown with one # title.", 1);
  }
  if (!/\d+\s*(?:min|s\b|sec)/i.test(first.source)) {
    add("The first cell must say how long reading and running take.", 1);
  }
}

/** S2: early on, it says what it needs and what it makes. */
function saysNeedsAndMakes({ cells }: Notebook, add: Add): void {
  const early = cells.filter((cell) => cell.cell_type === "markdown").slice(0, 3)
    .map((cell) => cell.source).join("\n");
  if (!/\bneeds\b/i.test(early)) add("The first words must say what the notebook needs.");
  if (!/\b(?:makes|refreshes|writes|registers|shows)\b/i.test(early)) {
    add("The first words must say what the notebook makes.");
  }
}

/** S3: one of the first three code cells is tagged `parameters` and holds plain `const` lines. */
function hasParameters(notebook: Notebook, add: Add): void {
  const code = notebook.cells.filter((cell) => cell.cell_type === "code");
  const cell = code.slice(0, 3).find((cell) => tagsOf(cell).includes("parameters"));
  if (!cell) return add("One of the first three code cells must be tagged parameters.");
  const lines = cell.source.split("\n").filter((line) => !/^\s*(?:\/\/|$)/.test(line));
  if (lines.length !== declaredParameters(notebook).length) {
    add(
      "Each line of the parameters cell must be const name: type = value;",
      numberOf(notebook, cell),
    );
  }
}

/** S4: words come before code. */
function wordsBeforeCode({ cells }: Notebook, add: Add): void {
  let row = 0;
  cells.forEach((cell, i) => {
    row = cell.cell_type === "code" ? row + 1 : 0;
    if (row > MOST_IN_A_ROW) {
      add("Markdown must come before the code: say why and what to see.", i + 1);
    }
  });
}

/** S5: a code cell, the parameters aside, starts with a comment that titles it. */
function titledCells({ cells }: Notebook, add: Add): void {
  cells.forEach((cell, i) => {
    if (cell.cell_type !== "code" || tagsOf(cell).includes("parameters")) return;
    if (!/^\/\/ \S/.test(cell.source)) {
      add("A code cell must start with a comment that is its title.", i + 1);
    }
  });
}

/** S6: code cells are short; logic lives in lib. One in three may be longer than usual. */
function shortCells({ cells }: Notebook, add: Add): void {
  const code = cells.filter((cell) => cell.cell_type === "code");
  const lines = (cell: Cell) => cell.source.split("\n").length;
  for (const cell of code.filter((cell) => lines(cell) > LONGEST_CELL)) {
    const number = cells.indexOf(cell) + 1;
    add(
      `${lines(cell)} lines are too many for a cell (${LONGEST_CELL}): move logic to lib.`,
      number,
    );
  }
  const long = code.filter((cell) => lines(cell) > USUAL_CELL).length;
  if (long > Math.max(2, code.length / 3)) {
    add(`${long} of ${code.length} code cells are longer than ${USUAL_CELL} lines.`);
  }
}

/** S7: the last code cell checks what the notebook claims and reports it. */
function endsWithChecks(notebook: Notebook, add: Add): void {
  const last = notebook.cells.findLast((cell) => cell.cell_type === "code");
  if (last && !/\b(?:conclude|reportResults)\(/.test(last.source)) {
    add("The last code cell must check the claims and conclude(…).", numberOf(notebook, last));
  }
}

/** S8: there is an exercise, its answer hidden in `<details>`. */
function hasExercise({ cells }: Notebook, add: Add): void {
  const words = cells.filter((cell) => cell.cell_type === "markdown").map((cell) => cell.source);
  if (!words.some((text) => /exercise/i.test(text) && text.includes("<details>"))) {
    add("An exercise with its answer in <details> is missing.");
  }
}

/** S9: imports are by the names of deno.json, so that the notebook works from any copy. */
function importsByAlias({ cells }: Notebook, add: Add): void {
  cells.forEach((cell, i) => {
    const found = /\b(?:from|import)\s*\(?\s*["']((?:\.|\/|npm:|jsr:|https?:|file:)[^"']*)["']/
      .exec(
        cell.cell_type === "code" ? cell.source : "",
      );
    if (found) add(`Import ${found[1]} by a name of deno.json instead.`, i + 1);
  });
}

/** S10: nothing that the kernel does not survive. */
function runsInTheKernel({ cells }: Notebook, add: Add): void {
  cells.forEach((cell, i) => {
    const found = cell.cell_type === "code" &&
      /\bimport\.meta\b|\bDeno\.exit\(|\bprocess\.exit\(/.exec(cell.source);
    if (found) add(`${found[0]} does not work in a kernel.`, i + 1);
  });
}

function numberOf(notebook: Notebook, cell: Cell): number {
  return notebook.cells.indexOf(cell) + 1;
}
