import { type Cell, type Output, tagsOf } from "./notebook.ts";

/**
 * Says in words what a cell should have shown and did not, or undefined when all is well.
 * A cell tagged `expects-output` must have shown something a person can look at; a tag
 * `expects-output:image/png` asks for an output of that type.
 */
export function checkShown(cell: Cell): string | undefined {
  for (const tag of tagsOf(cell)) {
    if (tag === "expects-output" && !cell.outputs.some(isSomething)) {
      return "it was expected to show something and showed nothing";
    }
    const type = /^expects-output:(.+)$/.exec(tag)?.[1];
    if (type !== undefined && !cell.outputs.some((output) => has(output, type))) {
      return `it was expected to show ${type} and did not`;
    }
  }
  return undefined;
}

function isSomething(output: Output): boolean {
  if (output.output_type === "stream") return output.text.trim() !== "";
  return output.output_type !== "error" && Object.keys(output.data).length > 0;
}

function has(output: Output, type: string): boolean {
  return "data" in output && type in output.data;
}
