import { declaredParameters, type Notebook, tagsOf } from "../notebook/mod.ts";

/** Where a line of an extracted module comes from. */
export interface Origin {
  /** Number of the cell, from 1. */
  cell: number;
  /** Line in the cell, from 1. */
  line: number;
}

/** A notebook as one module. */
export interface Extracted {
  text: string;
  /** The origin of each line, from the first; undefined for lines that were added. */
  origins: (Origin | undefined)[];
}

interface Line extends Origin {
  text: string;
}

const IMPORT = /^import\s(?:[^"'`;]*?from\s*)?["'][^"']+["'](?:\s+with\s*\{[^}]*\})?;?$/gm;

/**
 * Writes the code cells of a notebook as one module, so that they can be checked together.
 * Imports come first, each name once. A cell that declares a name again, as the kernel allows, opens
 * a block around itself and all that follows, where the new name hides the old one. The parameters
 * cell loses its literal types, as other values may be injected.
 */
export function extractModule(notebook: Notebook): Extracted {
  const imports: Line[] = [];
  const body: (Line | string)[] = [];
  const imported = new Set<string>();
  let declared = new Set<string>();
  let depth = 0;
  notebook.cells.forEach((cell, i) => {
    if (cell.cell_type !== "code") return;
    const parameters = tagsOf(cell).includes("parameters");
    const source = parameters ? widened(notebook, cell.source) : cell.source;
    const { own, rest } = takeImports(source, imported);
    imports.push(...linesOf(own, i + 1));
    const names = declaredNames(rest);
    if (names.some((name) => declared.has(name))) {
      body.push("{");
      depth += 1;
      declared = new Set();
    }
    for (const name of names) declared.add(name);
    body.push(...linesOf(rest, i + 1));
  });
  const lines = [...imports, "export {};", ...body, ...Array<string>(depth).fill("}")];
  return {
    text: lines.map((line) => typeof line === "string" ? line : line.text).join("\n") + "\n",
    origins: lines.map((line) =>
      typeof line === "string" ? undefined : { cell: line.cell, line: line.line }
    ),
  };
}

/** Parts a cell into its imports and the rest, both with as many lines as the cell. */
function takeImports(source: string, imported: Set<string>): { own: string; rest: string } {
  let own = source.replaceAll(/[^\n]/g, "");
  const rest = source.replaceAll(IMPORT, (statement, at: number) => {
    const line = source.slice(0, at).split("\n").length - 1;
    const lines = own.split("\n");
    onceOnly(statement, imported).split("\n").forEach((text, i) => lines[line + i] = text);
    own = lines.join("\n");
    return statement.replaceAll(/[^\n]/g, "");
  });
  return { own, rest };
}

/** The statement without the names that an earlier cell has imported. */
function onceOnly(statement: string, imported: Set<string>): string {
  const target = /["']([^"']+)["']/.exec(statement)![1]!;
  const isNew = (words: string) => {
    const key = `${target} ${words.replace(/\s+/g, " ").trim()}`;
    return imported.has(key) ? false : Boolean(imported.add(key));
  };
  if (!statement.includes("{")) return isNew(statement) ? statement : blank(statement);
  let kept = 0;
  const text = statement.replace(/\{([^}]*)\}/, (_, names: string) => {
    const parts = names.split(",").map((name) => {
      if (name.trim() === "") return name;
      if (!isNew(name)) return blank(name);
      kept += 1;
      return `${name.trimEnd()},`;
    });
    return `{${parts.join("")}}`;
  });
  return kept > 0 ? text : blank(statement);
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, "");
}

function linesOf(text: string, cell: number): Line[] {
  return text.split("\n").map((line, i) => ({ text: line, cell, line: i + 1 }))
    .filter(({ text }) => text.trim() !== "");
}

/** Names that formatted code declares at its top level, which is where a line starts with the keyword. */
function declaredNames(source: string): string[] {
  const simple = source.matchAll(
    /^(?:export\s+)?(?:const|let|var|(?:async\s+)?function\*?|(?:abstract\s+)?class|type|interface|enum)\s+([A-Za-z_$][\w$]*)/gm,
  );
  const patterns = source.matchAll(/^(?:const|let|var)\s+([[{][^=]*?[\]}])\s*(?::[^=]*)?=/gm);
  return [
    ...[...simple].map((match) => match[1]!),
    ...[...patterns].flatMap((match) => namesInPattern(match[1]!)),
  ];
}

function namesInPattern(pattern: string): string[] {
  return pattern.slice(1, -1).split(",").map((part) =>
    (part.includes(":") ? part.split(":").at(-1)! : part).replace(/=.*$/s, "").replace("...", "")
      .replaceAll(/[[\]{}\s]/g, "")
  ).filter((name) => name !== "");
}

/** `const n: T = v;` as `const n = (v satisfies T) as T;`: the type as declared, not as narrowed. */
function widened(notebook: Notebook, source: string): string {
  const declared = declaredParameters(notebook);
  return source.split("\n").map((line) => {
    const name = /^const\s+([\w$]+)/.exec(line)?.[1];
    const found = declared.find((parameter) => parameter.name === name);
    if (!found || found.type === "unknown") return line;
    const { type, defaultText } = found;
    return `const ${name} = (${defaultText} satisfies ${type}) as ${type};`;
  }).join("\n");
}
