import { show } from "./kernel.ts";

/**
 * Shows Markdown: rendered in a notebook, as written elsewhere. Indentation common to all lines is
 * taken away, so that text may be indented with the code around it.
 */
export async function markdown(text: string): Promise<void> {
  const flush = withoutIndent(text);
  await show({ "text/markdown": flush, "text/plain": flush });
}

function withoutIndent(text: string): string {
  const lines = text.replace(/^[ \t]*\n/, "").trimEnd().split("\n");
  const depths = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const depth = Math.min(...depths, Infinity);
  return Number.isFinite(depth) ? lines.map((line) => line.slice(depth)).join("\n") : "";
}
