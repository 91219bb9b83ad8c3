import { join } from "node:path";

/** A cell for {@link notebookFile}: its source, or source and tags. */
export type CellText = string | { source: string; tags?: string[]; markdown?: boolean };

/** Writes a small notebook into a folder and returns its path. */
export async function notebookFile(
  folder: string,
  name: string,
  cells: CellText[],
): Promise<string> {
  const path = join(folder, name);
  const notebook = {
    cells: cells.map((cell, i) => {
      const { source, tags = [], markdown = false } = typeof cell === "string"
        ? { source: cell }
        : cell;
      const common = { id: `c${i + 1}`, metadata: tags.length ? { tags } : {}, source };
      return markdown
        ? { cell_type: "markdown", ...common }
        : { cell_type: "code", execution_count: null, outputs: [], ...common };
    }),
    metadata: { kernelspec: { display_name: "Deno", language: "typescript", name: "deno" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  await Deno.writeTextFile(path, JSON.stringify(notebook));
  return path;
}

/** The text of all outputs of a cell, for looking things up in. */
export function shown(cell: { outputs: unknown[] } | undefined): string {
  return JSON.stringify(cell?.outputs ?? []);
}
