import type { Page } from "playwright-core";
import { join, relative } from "node:path";
import { projectRoot, waitUntil } from "clickstream/config";

/** A code cell as JupyterLab holds it. */
export interface ShownCell {
  tags: string[];
  /** MIME types of each output; an error's name for an error. */
  outputs: string[][];
  errors: string[];
  /** Whether it was run to its end. */
  done: boolean;
  trusted: boolean;
  /** Charts and pictures that are drawn in the page, with a size. */
  pictures: number;
  /** Those of them that are wider than the cell. */
  clipped: number;
  /** Plotly figures that are drawn live. */
  live: number;
  text: string;
  /** How many different texts an output showed over time. */
  changes: number;
}

/** A notebook open in JupyterLab. */
export interface OpenNotebook {
  /** Path of the file. */
  path: string;
  /** Runs a command of JupyterLab with this notebook in front. */
  command(id: string, args?: Record<string, string>): Promise<void>;
  /** Brings it to the front. */
  front(): Promise<void>;
  /** Starts Run All, and does not wait. */
  runAll(): Promise<void>;
  /** The code cells as they are now. */
  cells(): Promise<ShownCell[]>;
  /** Waits until every code cell was run, or one failed. */
  finished(timeoutMs: number): Promise<ShownCell[]>;
  /** Saves the file. */
  save(): Promise<void>;
  /** Ends its kernel and closes its tab. */
  close(): Promise<void>;
}

/** Waits until JupyterLab's application is there, and draws all cells, not only those in view. */
export async function readyLab(page: Page): Promise<void> {
  await page.waitForFunction("globalThis.jupyterapp !== undefined", undefined, {
    timeout: 120_000,
  });
  await page.evaluate(`(async () => {
    const app = globalThis.jupyterapp;
    await app.restored;
    await app.serviceManager.ready;
    await app.serviceManager.settings.save("@jupyterlab/notebook-extension:tracker",
      JSON.stringify({ windowingMode: "none" }));
  })()`);
  await page.reload();
  await page.waitForFunction("globalThis.jupyterapp !== undefined", undefined, {
    timeout: 120_000,
  });
  await page.evaluate(`globalThis.jupyterapp.restored.then(() => undefined)`);
}

/** Opens a notebook and waits for its kernel. */
export async function openNotebook(page: Page, path: string): Promise<OpenNotebook> {
  const name = relative(projectRoot, path).replaceAll("\\", "/");
  const text = JSON.stringify(name);
  /** Evaluates code with `panel`, the notebook's widget, and `app` at hand. */
  const inPanel = <T>(code: string): Promise<T> =>
    page.evaluate(`(async () => {
      const app = globalThis.jupyterapp;
      const panel = [...app.shell.widgets("main")].find((w) => w.context?.path === ${text});
      ${code}
    })()`) as Promise<T>;
  await inPanel(`
    const opened = await app.commands.execute("docmanager:open", { path: ${text}, factory: "Notebook" });
    await opened.context.ready; await opened.revealed;`);
  await waitUntil(
    () => inPanel<boolean>(`return panel?.sessionContext?.session?.kernel?.status === "idle";`),
    { what: `the kernel of ${name}`, timeoutMs: 120_000, intervalMs: 200 },
  );
  const cells = () => inPanel<ShownCell[]>(CELLS);
  return {
    path,
    cells,
    front: () => inPanel(IN_FRONT),
    command: (id, args = {}) =>
      inPanel(
        `${IN_FRONT} await app.commands.execute(${JSON.stringify(id)}, ${JSON.stringify(args)});`,
      ),
    runAll: () =>
      inPanel(`
        globalThis.seenTexts ??= {};
        panel.content.widgets.filter((w) => w.model.type === "code").forEach((w, i) => {
          w.seenKey = ${text} + i;
          const seen = globalThis.seenTexts[w.seenKey] = new Set();
          w.model.outputs.changed.connect((outputs) =>
            seen.add(JSON.stringify(outputs.toJSON().map((o) => o.data?.["text/plain"] ?? ""))));
        });
        ${IN_FRONT}
        void app.commands.execute("notebook:run-all-cells");`),
    async finished(timeoutMs) {
      return await waitUntil(async () => {
        const now = await cells();
        return now.every(({ done }) => done) || now.some(({ errors }) => errors.length)
          ? now
          : null;
      }, { what: `all cells of ${name}`, timeoutMs, intervalMs: 300 });
    },
    save: () => inPanel(`await panel.context.save();`),
    close: () =>
      inPanel(`await panel.sessionContext.shutdown(); await panel.context.save(); panel.close();`),
  };
}

/** Brings the notebook to the front: commands go to the one that is there. */
const IN_FRONT = `
  for (let tries = 0; tries < 200; tries++) {
    app.shell.activateById(panel.id);
    panel.content.activate();
    await new Promise((next) => setTimeout(next, 50));
    if (app.shell.currentWidget === panel && panel.node.contains(document.activeElement)) break;
  }
  if (app.shell.currentWidget !== panel) throw new Error("The notebook does not come to the front.");`;

const CELLS = `
  return panel.content.widgets.filter((w) => w.model.type === "code" &&
      w.model.sharedModel.source.trim() !== "").map((w) => {
    const outputs = w.model.outputs.toJSON();
    const wide = (e) => e.getBoundingClientRect().width >
      e.closest(".jp-OutputArea-output").getBoundingClientRect().width + 1;
    const shown = [...w.node.querySelectorAll(".jp-OutputArea-output img, .jp-OutputArea-output .main-svg")];
    return {
      tags: w.model.metadata.tags ?? w.model.getMetadata?.("tags") ?? [],
      outputs: outputs.map((o) => Object.keys(o.data ?? {})),
      errors: outputs.filter((o) => o.output_type === "error").map((o) => o.ename + ": " + o.evalue),
      done: w.model.executionCount !== null,
      trusted: w.model.trusted,
      pictures: shown.filter((e) => e.getBoundingClientRect().height > 20 &&
        (e.tagName !== "IMG" || (e.complete && e.naturalWidth > 20))).length,
      clipped: shown.filter(wide).length,
      live: w.node.querySelectorAll(".jp-OutputArea-output .main-svg:first-child").length,
      text: w.outputArea.node.innerText,
      changes: globalThis.seenTexts?.[w.seenKey]?.size ?? 0,
    };
  });`;

/** Where a copy of a notebook goes: inside the project, whose deno.json its cells are found by. */
export function copyPath(folder: string, name: string): string {
  return join(folder, "notebooks", name);
}
