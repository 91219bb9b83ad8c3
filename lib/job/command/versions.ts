import os from "node:os";
import { compareVersions, TESTED_DENO } from "../kernel/mod.ts";

/** A sentence for people who run another Deno than the tested one, or undefined. */
export function denoWarning(version: string = Deno.version.deno): string | undefined {
  const order = compareVersions(version, TESTED_DENO);
  if (order === 0) return undefined;
  const why = order > 0 ? "newer kernels can lose outputs of cells" : "older ones are not tried";
  return `Warning: this is Deno ${version}; the project is tested with ${TESTED_DENO} (${why}). ` +
    `Use: npx -y deno@${TESTED_DENO} task runme`;
}

/** What a run is made with, for its record. */
export function environmentOfRun(profile: string): Record<string, string> {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown";
  return {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    typescript: Deno.version.typescript,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    processors: `${navigator.hardwareConcurrency} x ${cpu}`,
    memory: `${(os.totalmem() / 2 ** 30).toFixed(1)} GiB`,
    profile,
  };
}
