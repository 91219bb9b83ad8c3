/** Where a stack frame points in the JavaScript that the kernel made of a cell. */
export interface Frame {
  /** Line, from 1. */
  line: number;
  /** Column, from 1. */
  column: number;
}

const IMPORT =
  /^import\s+(?:([\w$]+)\s*,?\s*)?(?:\*\s+as\s+([\w$]+)|\{([^}]*)\})?\s*(?:from\s*)?(["'][^"']+["']);?[^\n]*$/gm;

/** Spaces that the emitter puts before the body of a function. */
const INDENT = 2;
/** Shortest piece of a line that is looked for. */
const SHORTEST_PIECE = 4;

/**
 * Code that prints the JavaScript the kernel makes of a cell, without running it: stack frames count
 * its lines, which are not those of the cell.
 */
export function emittedCodeProbe(source: string): string {
  const body = source.replaceAll(IMPORT, (_, main, all, names, target) => {
    const parts = [
      main && `default: ${main}`,
      names?.replaceAll(/\stype\s|\s+as\s+/g, emptyOrColon),
    ]
      .filter(Boolean);
    return `const ${
      all ?? `{ ${parts.join(", ").replaceAll("\n", " ")} }`
    } = await import(${target});`;
  });
  return `console.log((async function __cell() {\n${body}\n}).toString())`;
}

function emptyOrColon(words: string): string {
  return words.includes("as") ? ": " : " ";
}

/**
 * The line of the cell that a frame means, from 1; undefined where it cannot be told. The code at
 * the frame is looked for in the cell; where types hide it, its distance from the start decides.
 *
 * @param emitted what {@link emittedCodeProbe} printed
 */
export function locate(source: string, emitted: string, frame: Frame): number | undefined {
  const lines = emitted.split("\n");
  const line = lines[frame.line];
  if (line === undefined || frame.line >= lines.length) return undefined;
  const text = squeeze(source);
  const piece = squeeze(line);
  const before = squeeze(line.slice(0, frame.column - 1 + INDENT)).text.length;
  const expected = (squeeze(lines.slice(1, frame.line).join("\n")).text.length /
    Math.max(squeeze(lines.slice(1, -1).join("\n")).text.length, 1)) * text.text.length;
  for (const [start, end] of windowsAround(before, piece.text.length)) {
    const at = nearest(text.text, piece.text.slice(start, end), expected);
    if (at !== undefined) return text.lines[at + Math.min(before, end - 1) - start];
  }
  return text.lines[Math.round(expected)];
}

/** All pieces of a text that hold a position, the longest first: types may have been taken out. */
function* windowsAround(position: number, length: number): Generator<[number, number]> {
  const inside = Math.min(position, length - 1);
  for (let size = length; size >= Math.min(SHORTEST_PIECE, length); size--) {
    const last = Math.min(inside, length - size);
    for (let start = Math.max(0, inside - size + 1); start <= last; start++) {
      yield [start, start + size];
    }
  }
}

/**
 * The frame of a stack that lies in this cell, the innermost: functions of other cells have frames
 * that look the same, so a named one counts only when the cell has that name.
 */
export function frameInCell(stack: readonly string[], source: string): Frame | undefined {
  for (const text of stack.flatMap((part) => part.split("\n"))) {
    const found = /^\s*at (?:async )?(?:([^()]+?) \()?<anonymous>:(\d+):(\d+)\)?$/.exec(text);
    if (!found) continue;
    const name = found[1]?.split(".").at(-1);
    if (name !== undefined && !source.includes(name)) continue;
    return { line: Number(found[2]), column: Number(found[3]) };
  }
  return undefined;
}

/** A text without spaces, quotes and what formatters add or drop, with the line of each character. */
function squeeze(source: string): { text: string; lines: number[] } {
  let text = "";
  const lines: number[] = [];
  source.split("\n").forEach((line, i) => {
    for (const char of line) {
      if (/[\s"'`;,()!]/.test(char)) continue;
      text += char;
      lines.push(i + 1);
    }
  });
  return { text, lines };
}

/** Of all places of a piece, the one nearest to where it is expected. */
function nearest(text: string, piece: string, expected: number): number | undefined {
  let best: number | undefined;
  for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
    if (best === undefined || Math.abs(at - expected) < Math.abs(best - expected)) best = at;
  }
  return best;
}
