/**
 * The notebooks in a real JupyterLab, opened by `deno task lab` and looked at with Chromium: each is
 * run to its end, shows all it should, and its charts are drawn; progress moves; the stop button and
 * a restart work; what was saved still shows its pictures when it is opened untrusted.
 *
 * Started by run_jupyter.sh as: jupyter.ts CHROMIUM FOLDER [SCREENSHOTS]
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { type Browser, chromium, type Page } from "playwright-core";
import { loadConfig, projectRoot, waitUntil } from "clickstream/config";
import { stopServices } from "clickstream/emulators";
import { stopServing } from "clickstream/serving";
import { freePorts } from "../../lib/job/kernel/mod.ts";
import { injectParameters, readNotebook, writeNotebook } from "../../lib/job/notebook/mod.ts";
import {
  copyPath,
  type OpenNotebook,
  openNotebook,
  readyLab,
  type ShownCell,
} from "./jupyter_page.ts";

const [browserPath = "", folder = "", screenshots = ""] = Deno.args;
const home = join(folder, "home");
/** What the notebooks of the copies are given: a small shop, a short training, no pause. */
const PARAMETERS = {
  job: true,
  speed: "max",
  size: process.env.CLICKSTREAM_TEST_SIZE ?? "20000",
  trials: 2,
  epochs: 2,
  tuningRows: 1000,
};
/** Notebooks that need each other at the same time run together. */
const GROUP = /^2[abc]_/;
const LONGEST_MS = 8 * 60_000;

const say = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

async function main(): Promise<void> {
  const names = readdirSync(join(projectRoot, "notebooks")).filter((n) => n.endsWith(".ipynb"));
  mkdirSync(join(folder, "notebooks"), { recursive: true });
  for (const name of names) {
    const source = await readNotebook(join(projectRoot, "notebooks", name));
    await writeNotebook(copyPath(folder, name), injectParameters(source, PARAMETERS));
  }
  const lab = await startLab();
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({
      executablePath: browserPath,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
      timeout: 60_000,
    });
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    await page.goto(lab.url, { timeout: 120_000, waitUntil: "domcontentloaded" });
    await readyLab(page);
    await stopsAndRestarts(page);
    await runsAll(page, names.sort());
    await opensUntrusted(page, names);
  } finally {
    await browser?.close().catch(() => {});
    await lab.stop();
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    await stopServing(config);
    await stopServices(config);
  }
}

async function startLab(): Promise<{ url: string; stop(): Promise<void> }> {
  const [port] = freePorts(1);
  const token = crypto.randomUUID();
  const log = join(folder, "lab.log");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", join(projectRoot, "lib/job/lab/lab.ts"), "--no-browser", "--allow-root"],
      ...[
        `--ServerApp.port=${port}`,
        "--ServerApp.port_retries=0",
        `--IdentityProvider.token=${token}`,
      ],
      "--LabApp.expose_app_in_browser=True",
    ],
    env: { CLICKSTREAM_HOME: home, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  for (const stream of [child.stdout, child.stderr]) {
    void (async () => {
      for await (const part of stream) Deno.writeFileSync(log, part, { append: true });
    })();
  }
  let ended = false;
  void child.status.then(() => ended = true);
  const root = `http://127.0.0.1:${port}`;
  await waitUntil(async () => {
    if (ended) {
      throw new Error(`JupyterLab ended: ${readFileSync(log, "utf8")}`);
    }
    const answer = await fetch(`${root}/api?token=${token}`).catch(() => null);
    await answer?.body?.cancel();
    return answer?.ok;
  }, { what: "JupyterLab", timeoutMs: 300_000, intervalMs: 200 });
  say("JupyterLab answers.");
  return {
    url: `${root}/lab?token=${token}`,
    async stop() {
      if (!ended) child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await child.status;
      clearTimeout(late);
    },
  };
}

/** The stop button ends a cell that waits and one that is busy; a restart forgets all. */
async function stopsAndRestarts(page: Page): Promise<void> {
  const code = (id: string, source: string) => ({
    ...{ cell_type: "code", id, metadata: {}, outputs: [], execution_count: null, source },
  });
  const notebook = JSON.parse(readFileSync(copyPath(folder, "0a_config.ipynb"), "utf8"));
  notebook.cells = [
    code(
      "waits",
      `import { progress } from "clickstream/display";
let kept = 1;
const bar = progress("Waiting", { total: 1000 });
for (let i = 0;; i++) { bar.update(i); await new Promise((next) => setTimeout(next, 50)); }`,
    ),
    code("after", `"kept is " + kept`),
  ];
  const path = copyPath(folder, "stop.ipynb");
  writeFileSync(path, JSON.stringify(notebook));
  const open = await openNotebook(page, path);
  await open.runAll();
  const has = (index: number, test: (cell: ShownCell) => boolean, what: string) =>
    waitUntil(async () => test((await open.cells())[index]!), { what, timeoutMs: 90_000 });
  await has(0, (cell) => cell.changes >= 3, "progress that moves");
  await open.command("notebook:interrupt-kernel");
  await has(0, (cell) => cell.errors.some((e) => e.includes("was stopped")), "a stopped cell");
  await open.command("notebook:run-all-below");
  await has(1, (cell) => cell.text.includes("kept is 1"), "state kept after a stop");
  await page.evaluate(`(async () => {
    const panel = globalThis.jupyterapp.shell.currentWidget;
    await panel.sessionContext.session.kernel.restart();
    panel.content.activeCellIndex = 1;
    void globalThis.jupyterapp.commands.execute("notebook:run-cell");
  })()`);
  await has(1, (cell) => cell.errors.some((e) => /kept is not defined/.test(e)), "a fresh kernel");
  await open.close();
  say("Progress moves, the stop button ends a waiting cell, a restart forgets.");
}

/** Opens every notebook in order, runs it, and looks at what it shows. */
async function runsAll(page: Page, names: string[]): Promise<void> {
  const groups: string[][] = [];
  for (const name of names) {
    if (GROUP.test(name) && GROUP.test(groups.at(-1)?.at(-1) ?? "")) groups.at(-1)!.push(name);
    else groups.push([name]);
  }
  for (const group of groups) {
    const open = [];
    for (const name of group) open.push(await openNotebook(page, copyPath(folder, name)));
    for (const notebook of open) await notebook.runAll();
    for (const notebook of open) {
      const name = basename(notebook.path);
      const cells = await notebook.finished(LONGEST_MS);
      assertShown(name, cells);
      await notebook.front();
      await waitUntil(async () => {
        const now = await notebook.cells();
        return drawn(now).missing === 0 && now.every(isLive);
      }, {
        what: `the charts of ${name} to be drawn`,
        timeoutMs: 60_000,
        intervalMs: 300,
      });
      await notebook.save();
      if (screenshots) await keepScreen(page, notebook, name);
      say(`${name}: ${cells.length} cells, ${drawn(await notebook.cells()).charts} charts drawn.`);
    }
    for (const notebook of open) await notebook.close();
  }
}

/** Keeps what the window shows of a notebook's first chart, on the light and the dark theme. */
async function keepScreen(page: Page, notebook: OpenNotebook, name: string): Promise<void> {
  for (const theme of ["Light", "Dark"]) {
    await notebook.command("apputils:change-theme", { theme: `JupyterLab ${theme}` });
    const chart = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output")
      .locator("img, .main-svg").locator("visible=true").first();
    if (await chart.count() === 0) continue;
    await chart.scrollIntoViewIfNeeded();
    const file = name.replace(".ipynb", `-${theme.toLowerCase()}.png`);
    await page.screenshot({ path: join(screenshots, file) });
  }
  await notebook.command("apputils:change-theme", { theme: "JupyterLab Light" });
}

function assertShown(name: string, cells: ShownCell[]): void {
  for (const [i, cell] of cells.entries()) {
    assert.deepEqual(cell.errors, [], `${name}, code cell ${i + 1}`);
    if (cell.tags.some((tag) => tag.startsWith("expects-output"))) {
      assert.ok(cell.outputs.length > 0, `${name}, code cell ${i + 1} shows nothing`);
    }
  }
}

/** A chart that was just made is drawn by plotly, not only as its picture. */
function isLive({ outputs, live }: ShownCell): boolean {
  return live > 0 || !outputs.some((types) => types.includes(PLOTLY_MIME));
}

const PLOTLY_MIME = "application/vnd.plotly.v1+json";

/** Cells with a chart, and how many of them are not drawn, or not in whole. */
function drawn(cells: ShownCell[]): { charts: number; missing: number } {
  const charts = cells.filter(({ outputs }) =>
    outputs.some((types) => types.includes("image/png"))
  );
  return {
    charts: charts.length,
    missing: charts.filter((cell) => cell.pictures === 0 || cell.clipped > 0).length,
  };
}

/** A changed copy of an executed notebook is untrusted; its pictures are shown all the same. */
async function opensUntrusted(page: Page, names: string[]): Promise<void> {
  const name = names.find((n) => n.startsWith("0b_"))!;
  const notebook = JSON.parse(readFileSync(copyPath(folder, name), "utf8"));
  notebook.cells.find((c: { outputs?: unknown[] }) => c.outputs?.length).outputs[0].metadata = {
    changed: true,
  };
  const path = copyPath(folder, "untrusted.ipynb");
  writeFileSync(path, JSON.stringify(notebook));
  const open = await openNotebook(page, path);
  const cells = await waitUntil(async () => {
    const now = await open.cells();
    return drawn(now).missing === 0 ? now : null;
  }, { what: "the pictures of an untrusted notebook", timeoutMs: 60_000 });
  assert.ok(cells.some(({ trusted }) => !trusted), "the changed copy is trusted");
  assert.ok(drawn(cells).charts > 0);
  await open.close();
  say(`Untrusted, ${drawn(cells).charts} charts are still shown.`);
}

try {
  await main();
  Deno.exit(0);
} catch (error) {
  console.error(error);
  Deno.exit(1);
}
