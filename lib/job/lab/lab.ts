import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig, projectRoot, runCommand } from "clickstream/config";
import { compareVersions, TESTED_DENO } from "../kernel/mod.ts";
import { labEnvironment } from "./environment.ts";
import { installKernelSpec } from "./kernel_spec.ts";

/**
 * Opens the project in a JupyterLab of its own, with our kernel and the extension that draws plotly
 * figures. Settings, trust and runtime files of another Jupyter on this machine stay as they are.
 *
 * @param args options of `jupyter lab`, passed on as they are
 * @returns JupyterLab's exit code
 * @throws {LabError} when it cannot be set up
 */
export async function lab(config: Config, args: readonly string[]): Promise<number> {
  const folder = join(config.home, "lab");
  const environment = await labEnvironment(join(folder, "venv"), (text) => console.log(text));
  installKernelSpec(environment.share, await testedDeno());
  writeSettings(environment.share, join(folder, "config"));
  const own = (name: string) => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const child = new Deno.Command(environment.python, {
    args: ["-m", "jupyterlab", ...LAB_OPTIONS, ...args, ...(opensSomething(args) ? [] : [FIRST])],
    cwd: projectRoot,
    env: {
      CLICKSTREAM_HOME: config.home,
      JUPYTER_CONFIG_DIR: own("config"),
      JUPYTER_DATA_DIR: own("data"),
      JUPYTER_RUNTIME_DIR: own("runtime"),
      JUPYTER_PREFER_ENV_PATH: "1",
    },
  }).spawn();
  return await ended(child);
}

/** The notebook that is opened where none is named. */
const FIRST = join("notebooks", "0a_config.ipynb");

const LAB_OPTIONS = [
  `--ServerApp.root_dir=${projectRoot}`,
  // Ctrl-C ends at once: notebooks are saved by the browser, not by the server.
  "--ServerApp.answer_yes=True",
  "--LabApp.news_url=None",
  "--LabApp.custom_css=True",
  "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
];

/** No question about news, and no picture wider than its cell. */
function writeSettings(share: string, config: string): void {
  const settings = join(share, "lab", "settings");
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, "overrides.json"), JSON.stringify(OVERRIDES, null, 2) + "\n");
  mkdirSync(join(config, "custom"), { recursive: true });
  writeFileSync(join(config, "custom", "custom.css"), CSS);
}

const OVERRIDES = { "@jupyterlab/apputils-extension:notification": { fetchNews: "false" } };

/**
 * Of a saved chart, the plotly extension first shows the picture, as wide in CSS pixels as it is in
 * image pixels: twice too wide, and cut off.
 */
const CSS = ".jp-RenderedPlotly .plot-img { max-width: min(100%, 840px); }\n";

function opensSomething(args: readonly string[]): boolean {
  return args.some((arg) => arg.endsWith(".ipynb") || arg === "--version" || arg === "--help");
}

/** Ctrl-C in a terminal reaches JupyterLab as well; this process waits for it to end. */
async function ended(child: Deno.ChildProcess): Promise<number> {
  const pass = () => {};
  const end = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", pass);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", end);
  const { code } = await child.status;
  return code;
}

/**
 * Path of the tested Deno: this one, or what npx fetches. Kernels of newer ones lose outputs.
 * Where npx is missing this Deno has to do.
 */
async function testedDeno(): Promise<string> {
  if (compareVersions(Deno.version.deno, TESTED_DENO) === 0) return Deno.execPath();
  const npx = Deno.build.os === "windows" ? "npx.cmd" : "npx";
  try {
    const { success, stdout } = await new Deno.Command(npx, {
      args: ["-y", `deno@${TESTED_DENO}`, "eval", "console.log(Deno.execPath())"],
      stdin: "null",
      stderr: "null",
    }).output();
    if (success) return new TextDecoder().decode(stdout).trim();
  } catch {
    // No npx.
  }
  console.error(
    `Warning: the kernel is this Deno ${Deno.version.deno}; with Node installed it would be ${TESTED_DENO}, whose kernel loses no output.`,
  );
  return Deno.execPath();
}

if (import.meta.main) await runCommand((args) => lab(loadConfig(), args));
