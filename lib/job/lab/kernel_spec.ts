import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { projectRoot, runCommand } from "clickstream/config";

/** Where Jupyter looks for a user's kernels, by platform, as jupyter_core does. */
export function jupyterDataFolder(
  platform: string = process.platform,
  env: Record<string, string | undefined> = process.env,
  home: string = homedir(),
): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  if (platform === "darwin") return join(home, "Library", "Jupyter");
  if (platform === "win32") return join(env.APPDATA ?? join(home, "AppData", "Roaming"), "jupyter");
  return join(env.XDG_DATA_HOME ?? join(home, ".local", "share"), "jupyter");
}

/**
 * Tells Jupyter about this project's kernel, as the kernel `deno` that the notebooks name. An
 * interrupt comes as a message, which stops a busy cell and keeps the kernel's state; with the spec
 * that `deno jupyter --install` writes it would come as a signal, which ends the kernel.
 *
 * @param folder Jupyter's data folder
 * @param deno path of the Deno that runs the cells
 * @returns path of the spec written
 */
export function installKernelSpec(
  folder: string = jupyterDataFolder(),
  deno: string = Deno.execPath(),
): string {
  const target = join(folder, "kernels", "deno");
  mkdirSync(target, { recursive: true });
  const program = join(projectRoot, "lib", "job", "lab", "kernel.ts");
  const spec = {
    argv: [deno, "run", "-A", program, "{connection_file}"],
    display_name: "Deno (Clickstream)",
    language: "typescript",
    interrupt_mode: "message",
    env: { DENO_NO_UPDATE_CHECK: "1" },
  };
  const file = join(target, "kernel.json");
  writeFileSync(file, JSON.stringify(spec, null, 2) + "\n");
  return file;
}

if (import.meta.main) {
  await runCommand(() => {
    console.log(`Deno ${Deno.version.deno} is now Jupyter's kernel "deno": ${installKernelSpec()}`);
    return Promise.resolve();
  });
}
