import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Weight and slant of a run of text. */
export interface FontStyle {
  /** @default false */
  bold?: boolean;
  /** @default false */
  italic?: boolean;
  /** @default false */
  mono?: boolean;
}

/** The family all pictures are drawn in; every width is measured with its files. */
export const FONT_FAMILY = "DejaVu Sans";

/** Height above and below the baseline, as a share of the font size. */
export const ASCENT = 0.928;
/** See {@link ASCENT}. */
export const DESCENT = 0.236;

interface Glyph {
  advanceWidth: number;
}
interface Font {
  unitsPerEm: number;
  glyphForCodePoint(codePoint: number): Glyph;
}

const require = createRequire(import.meta.url);
const fonts = new Map<string, Font>();
const advances = new Map<string, Map<number, number>>();

/** Paths of the font files, for a renderer to load. */
export function fontFiles(): string[] {
  return ["Sans", "Sans-Bold", "Sans-Oblique", "SansMono"].map(fontFile);
}

/**
 * Width of `text` in pixels at `size` pixels, from the advance widths in the font file.
 * {@link loadFonts} must have resolved before.
 */
export function textWidth(text: string, size: number, style: FontStyle = {}): number {
  const face = faceOf(style);
  const font = fonts.get(face);
  const known = advances.get(face);
  if (font === undefined || known === undefined) throw new Error("loadFonts() comes first");
  let width = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    let advance = known.get(codePoint);
    if (advance === undefined) {
      advance = isZeroWidth(codePoint)
        ? 0
        : font.glyphForCodePoint(codePoint).advanceWidth / font.unitsPerEm;
      known.set(codePoint, advance);
    }
    width += advance;
  }
  return width * size;
}

/** Breaks `text` at spaces so that no line is wider than `width` pixels, if words allow it. */
export function wrapText(text: string, width: number, size: number, style?: FontStyle): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer, size, style) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/** Opens the font files; cheap when they are open already. */
export async function loadFonts(): Promise<void> {
  if (fonts.size > 0) return;
  const { openSync } = await import("fontkit");
  for (const face of ["Sans", "Sans-Bold", "Sans-Oblique", "SansMono"]) {
    fonts.set(face, openSync(fontFile(face)) as unknown as Font);
    advances.set(face, new Map());
  }
}

function faceOf(style: FontStyle): string {
  if (style.mono) return "SansMono";
  if (style.bold) return "Sans-Bold";
  return style.italic ? "Sans-Oblique" : "Sans";
}

function fontFile(face: string): string {
  const folder = dirname(require.resolve("dejavu-fonts-ttf/package.json"));
  return join(folder, "ttf", `DejaVu${face}.ttf`);
}

function isZeroWidth(codePoint: number): boolean {
  return codePoint === 0x200b || codePoint === 0x200d || codePoint === 0xfeff ||
    (codePoint >= 0xfe00 && codePoint <= 0xfe0f);
}
