import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withHome } from "../support.ts";

/** A folder on a disk of its own that can be filled. */
export interface SmallDisk {
  folder: string;
  fill(): void;
  free(): void;
}

/** Whether this machine lets us mount a small disk. */
export function hasSmallDisk(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0 && run("mount", ["--version"]);
}

/** Runs `body` with a disk of so many megabytes, in memory. */
export function withSmallDisk(
  megabytes: number,
  body: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  return withHome(async (folder) => {
    if (!run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder])) {
      return console.log("No small disk could be mounted here: nothing was tried.");
    }
    const filler = join(folder, "filler");
    const fill = () => {
      for (let bytes = 1_000_000; bytes >= 1;) {
        try {
          appendFileSync(filler, new Uint8Array(bytes));
        } catch {
          bytes = Math.floor(bytes / 10);
        }
      }
    };
    try {
      await body({ folder, fill, free: () => rmSync(filler) });
    } finally {
      // Lazily when something still has a file open, which is then what the test fails with.
      if (!run("umount", [folder])) run("umount", ["-l", folder]);
    }
  });
}

function run(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
