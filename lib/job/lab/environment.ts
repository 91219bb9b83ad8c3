import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClickstreamError } from "clickstream/config";

/** JupyterLab cannot be set up on this machine. */
export class LabError extends ClickstreamError {}

/** What the environment holds: JupyterLab, and plotly for its extension that draws figures. */
export const LAB_PACKAGES: readonly string[] = ["jupyterlab==4.6.6", "plotly==7.1.0"];

/** A Python environment of our own. */
export interface LabEnvironment {
  /** Its folder. */
  folder: string;
  /** Its Python. */
  python: string;
  /** Where its Jupyter finds kernels and extensions, before any other place. */
  share: string;
}

/**
 * The environment in a folder, made where it is missing or holds other versions: by uv where that
 * is installed, else by Python's own venv and pip.
 *
 * @param folder where it lives; it is deleted and made anew when it is not as wanted
 * @param say told once, in a sentence, when there is something to wait for
 * @throws {LabError} when there is neither uv nor Python, or the packages do not come
 */
export async function labEnvironment(
  folder: string,
  say: (text: string) => void,
): Promise<LabEnvironment> {
  const environment = at(folder);
  const stamp = join(folder, "clickstream.txt");
  const wanted = LAB_PACKAGES.join("\n");
  if (existsSync(environment.python) && existsSync(stamp)) {
    if (readFileSync(stamp, "utf8") === wanted) return environment;
  }
  say("Setting up JupyterLab, once: this takes about a minute.");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await (await answers("uv", ["--version"]) ? byUv(environment) : byVenv(environment));
  writeFileSync(stamp, wanted);
  return environment;
}

function at(folder: string): LabEnvironment {
  const share = join(folder, "share", "jupyter");
  const python = Deno.build.os === "windows"
    ? join(folder, "Scripts", "python.exe")
    : join(folder, "bin", "python");
  return { folder, python, share };
}

async function byUv({ folder, python }: LabEnvironment): Promise<void> {
  await must("uv", ["venv", "--quiet", "--allow-existing", folder]);
  await must("uv", ["pip", "install", "--quiet", "--python", python, ...LAB_PACKAGES]);
}

async function byVenv({ folder, python }: LabEnvironment): Promise<void> {
  const [program, ...first] = await findPython();
  await must(program!, [...first, "-m", "venv", folder]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  await must(python, [...pip, ...LAB_PACKAGES]);
}

/** How this machine calls its Python 3. */
async function findPython(): Promise<string[]> {
  const check = ["-c", "import sys, venv; sys.exit(sys.version_info < (3, 10))"];
  for (const command of [["python3"], ["python"], ["py", "-3"]]) {
    const [program, ...first] = command;
    if (await answers(program!, [...first, ...check])) return command;
  }
  throw new LabError(
    "JupyterLab needs uv, or Python 3.10 or newer with venv, and neither is found: install one of them.",
  );
}

async function answers(program: string, args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

async function must(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (success) return;
  const words = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
  throw new LabError(
    `JupyterLab could not be set up: \`${program} ${
      args.slice(0, 3).join(" ")
    } …\` failed (${words}).`,
  );
}
