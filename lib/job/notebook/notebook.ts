import { basename } from "node:path";
import { ClickstreamError, NotFoundError } from "clickstream/config";

/** A file is not a notebook that can be read, or its cells cannot be run as asked. */
export class NotebookError extends ClickstreamError {}

/** One output of a code cell, as nbformat 4.5 keeps it. */
export type Output =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: string }
  | {
    output_type: "display_data" | "execute_result";
    data: Record<string, unknown>;
    metadata: Record<string, unknown>;
    execution_count?: number | null;
  }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

/** One cell. Source is one text here; the file keeps it as lines. */
export interface Cell {
  cell_type: "code" | "markdown" | "raw";
  id: string;
  metadata: Record<string, unknown>;
  source: string;
  outputs: Output[];
  execution_count: number | null;
}

/** A notebook in memory. */
export interface Notebook {
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
  cells: Cell[];
}

/**
 * Reads a notebook file.
 *
 * @throws {NotFoundError} when there is none
 * @throws {NotebookError} when it is not a notebook of format 4, naming file and cell
 */
export async function readNotebook(path: string): Promise<Notebook> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new NotFoundError(`There is no notebook at ${path}.`, { cause });
  }
  return parseNotebook(text, path);
}

/** Reads the text of a notebook; `path` is for messages only. */
export function parseNotebook(text: string, path: string): Notebook {
  const file = basename(path);
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new NotebookError(
      `${file} is not valid JSON (${
        (cause as Error).message
      }); open it in an editor, or take it from git again.`,
      { cause },
    );
  }
  if (raw?.nbformat !== 4 || !Array.isArray(raw.cells)) {
    throw new NotebookError(`${file} is not a notebook of format 4: it lacks nbformat or cells.`);
  }
  return {
    metadata: asRecord(raw.metadata),
    nbformat: 4,
    nbformat_minor: typeof raw.nbformat_minor === "number" ? raw.nbformat_minor : 5,
    cells: raw.cells.map((cell, i) => readCell(asRecord(cell), i, file)),
  };
}

function readCell(raw: Record<string, unknown>, index: number, file: string): Cell {
  const type = raw.cell_type;
  if (type !== "code" && type !== "markdown" && type !== "raw") {
    throw new NotebookError(`${file}, cell ${index + 1}: unknown cell type ${String(type)}.`);
  }
  return {
    cell_type: type,
    id: typeof raw.id === "string" ? raw.id : `cell-${index + 1}`,
    metadata: asRecord(raw.metadata),
    source: joinLines(raw.source),
    outputs: Array.isArray(raw.outputs) ? raw.outputs.map(readOutput) : [],
    execution_count: typeof raw.execution_count === "number" ? raw.execution_count : null,
  };
}

function readOutput(raw: Record<string, unknown>): Output {
  if (raw.output_type === "stream") return { ...raw, text: joinLines(raw.text) } as Output;
  if (raw.output_type === "error") return raw as Output;
  const data = Object.entries(asRecord(raw.data)).map(([mime, value]) => [
    mime,
    Array.isArray(value) ? joinLines(value) : value,
  ]);
  return { ...raw, data: Object.fromEntries(data) } as Output;
}

/** The text of a notebook file: one-space indent, source as lines, a newline at the end, as Jupyter writes it. */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => {
    const { cell_type, id, metadata, source, outputs, execution_count } = cell;
    const common = { cell_type, id, metadata, source: splitLines(source) };
    if (cell_type !== "code") return common;
    return { cell_type, execution_count, id, metadata, outputs, source: common.source };
  });
  const { metadata, nbformat, nbformat_minor } = notebook;
  return JSON.stringify({ cells, metadata, nbformat, nbformat_minor }, null, 1) + "\n";
}

/** Writes a notebook: whole, or not at all. */
export async function writeNotebook(path: string, notebook: Notebook): Promise<void> {
  const draft = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
  await Deno.writeTextFile(draft, formatNotebook(notebook));
  await Deno.rename(draft, path);
}

/** The tags of a cell. */
export function tagsOf(cell: Cell): string[] {
  const tags = cell.metadata.tags;
  return Array.isArray(tags) ? tags.map(String) : [];
}

/** The first line of a cell that says something: its title comment, or its first code. */
export function firstLineOf(cell: Cell): string {
  return cell.source.split("\n").map((line) => line.trim()).find((line) => line !== "") ?? "";
}

/** A copy of the notebook with no outputs and no execution counts. */
export function withoutOutputs(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) => ({ ...cell, outputs: [], execution_count: null }));
  return { ...notebook, cells };
}

function splitLines(source: string): string[] {
  return source === "" ? [] : source.split(/(?<=\n)/);
}

function joinLines(value: unknown): string {
  return Array.isArray(value) ? value.join("") : typeof value === "string" ? value : "";
}

function asRecord(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? value as Record<string, unknown>
    : {};
}
