import os from "node:os";

/** The Deno this project is tested with. */
export const TESTED_DENO = "2.8.0";

/** A sentence for people who run another Deno than the tested one, or undefined. */
export function denoWarning(version: string = Deno.version.deno): string | undefined {
  const order = compareVersions(version, TESTED_DENO);
  if (order === 0) return undefined;
  const why = order > 0 ? "newer kernels can lose outputs of cells" : "older ones are not tried";
  return `Warning: this is Deno ${version}; the project is tested with ${TESTED_DENO} (${why}). ` +
    `Use: npx -y deno@${TESTED_DENO} task runme`;
}

/** Negative, zero or positive as `left` is older than, equal to or newer than `right`. */
export function compareVersions(left: string, right: string): number {
  const parts = (text: string) => text.split(/[.+-]/).slice(0, 3).map(Number);
  const [a, b] = [parts(left), parts(right)];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
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
