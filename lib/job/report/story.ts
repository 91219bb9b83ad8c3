import { existsSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import {
  type Cell,
  firstLineOf,
  type Notebook,
  type Output,
  parseNotebook,
} from "../notebook/mod.ts";
import type { RunFolder, TaskRun } from "../run/mod.ts";
import { type Html, markup, scrollable } from "./html.ts";
import { interactiveButton, PLOTLY_MIME } from "./interactive.ts";

/** Largest table copied into the report, in characters. */
const TABLE_LIMIT = 200_000;

/** The charts and tables of every executed notebook, under the notebook's title. */
export function story(folder: RunFolder, tasks: readonly TaskRun[]): Html[] {
  return tasks.flatMap(({ task_key }) => {
    const path = join(folder.path, `${task_key}.ipynb`);
    if (!existsSync(path)) return [];
    const notebook = parseNotebook(Deno.readTextFileSync(path), path);
    const shown = notebook.cells.flatMap((cell) => shownBy(cell));
    if (shown.length === 0) return [];
    return [
      markup`
        <details open>
          <summary>${titleOf(notebook) ?? task_key}</summary>
          <p class="soft">From the executed notebook <a href="${task_key}.ipynb">${task_key}.ipynb</a></p>
          ${shown}
        </details>
      `,
    ];
  });
}

function titleOf(notebook: Notebook): string | undefined {
  const first = notebook.cells.find((cell) => cell.cell_type === "markdown");
  return /^#\s+(.+)$/m.exec(first?.source ?? "")?.[1];
}

function shownBy(cell: Cell): Html[] {
  const title = firstLineOf(cell).replace(/^\/\/\s*/, "");
  return cell.outputs.flatMap((output) => picture(output, title) ?? table(output, title) ?? []);
}

function picture(output: Output, title: string): Html | undefined {
  if (!("data" in output) || typeof output.data["image/png"] !== "string") return undefined;
  const words = output.data["text/plain"];
  const alt = typeof words === "string" && words.trim() !== ""
    ? stripVTControlCharacters(words).trim()
    : title;
  const png = output.data["image/png"].replaceAll("\n", "");
  const image = markup`<img alt="${alt}"${widthOf(output)} src="data:image/png;base64,${png}">`;
  const figure = output.data[PLOTLY_MIME];
  const button = figure === undefined ? undefined : interactiveButton(figure);
  return markup`<figure>${image}<figcaption>${title}</figcaption>${button}</figure>`;
}

/** How wide the notebook says that its picture is: it has two image pixels for each of these. */
function widthOf({ metadata }: { metadata: Record<string, unknown> }): Html | undefined {
  const { width } = (metadata["image/png"] ?? {}) as { width?: unknown };
  return typeof width === "number" ? markup` width="${width}"` : undefined;
}

/** A table as the notebook shows it: only what carries no script, handler or outside address. */
function table(output: Output, title: string): Html | undefined {
  if (!("data" in output)) return undefined;
  const text = output.data["text/html"];
  if (typeof text !== "string" || text.length > TABLE_LIMIT || !text.includes("<table")) {
    return undefined;
  }
  if (/<(?:script|iframe|object|embed|link|form)|\son\w+\s*=|javascript:/i.test(text)) {
    return undefined;
  }
  return scrollable(title, { html: text });
}
