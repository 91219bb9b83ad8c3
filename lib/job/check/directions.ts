import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Finding } from "./finding.ts";

const BELOW_SERVING = [
  "config",
  "display",
  "events",
  "lakehouse",
  "metrics",
  "streaming",
  "online",
  "model",
];

/** What each folder of lib may import, by name. Notebooks, RUNME and tests may import all. */
export const ALLOWED: Record<string, readonly string[]> = {
  config: [],
  display: ["config"],
  events: ["config", "display"],
  lakehouse: ["config", "display", "events"],
  metrics: ["config", "display", "events", "lakehouse"],
  streaming: ["config", "display", "events", "lakehouse", "metrics", "online", "emulators"],
  online: ["config", "display", "events", "lakehouse", "metrics"],
  model: ["config", "display", "events", "lakehouse", "metrics"],
  serving: [...BELOW_SERVING, "emulators"],
  marketing: [...BELOW_SERVING, "emulators"],
  job: ["config", "display"],
  emulators: ["config", "display"],
};

const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']/g;

/** Imports in lib that go the wrong way, or past a folder's mod.ts. */
export function directionFindings(root: string): Finding[] {
  const lib = join(root, "lib");
  return Object.keys(ALLOWED).flatMap((folder) =>
    typescriptFiles(join(lib, folder)).flatMap((path) => {
      const text = withoutComments(Deno.readTextFileSync(path));
      const targets = [...text.matchAll(SPECIFIER)].map((match) => match[1]!);
      return targets.flatMap((target) => {
        const message = wrongImport(folder, path, target, lib);
        return message ? [{ file: relative(root, path), rule: "I1", message }] : [];
      });
    })
  );
}

function wrongImport(
  folder: string,
  path: string,
  target: string,
  lib: string,
): string | undefined {
  if (target.startsWith(".")) {
    const inside = !relative(join(lib, folder), resolve(dirname(path), target)).startsWith("..");
    return inside ? undefined : `${target} leaves the folder: import it by its clickstream name.`;
  }
  const other = /^clickstream\/(.+)$/.exec(target)?.[1];
  if (other === undefined || ALLOWED[folder]?.includes(other)) return undefined;
  return other === folder
    ? `${target} is this folder itself: import by relative path.`
    : `${folder} must not import ${other}.`;
}

function typescriptFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return [...Deno.readDirSync(folder)].flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory) return typescriptFiles(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

/** Docstrings carry examples that import; those are not imports of the file. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}
