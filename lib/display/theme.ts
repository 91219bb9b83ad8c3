import { ConfigError } from "clickstream/config";

/** Background a chart is made for. */
export type Mode = "light" | "dark";

/** Width of a picture in CSS pixels when nobody asks for another. */
export const DEFAULT_WIDTH = 840;
/** Height of a picture in CSS pixels when nobody asks for another. */
export const DEFAULT_HEIGHT = 450;

/**
 * The colour of each thing that recurs, the same in every chart, on light and on dark. Chosen so
 * that things met in one chart differ for every kind of colour vision, and stand out by at least
 * 3 : 1 (layers 2.5 : 1) from both backgrounds.
 */
export const colours = {
  view: "#0072B2",
  cart: "#C98500",
  purchase: "#009E73",
  historical: "#6F7A8A",
  live: "#D55E00",
  bronze: "#A4663C",
  silver: "#8793A1",
  gold: "#AE8E00",
  online: "#8A63C9",
  model: "#2A7FD0",
  baseline: "#808792",
  good: "#009E73",
  bad: "#D55E00",
} as const;

/** A thing with a colour of its own. */
export type Thing = keyof typeof colours;

/** Colours for things without one of their own, in this order. */
export const colourway: readonly string[] = [
  ...["#0072B2", "#C98500", "#009E73", "#C2568F", "#2E95CF", "#D55E00", "#8A63C9", "#6F7A8A"],
];

/** Low to high, readable without colour vision (a single hue from pale to deep). */
export const sequentialScale: readonly (readonly [number, string])[] = [
  ...[[0, "#EAF3FA"], [0.2, "#BBD9EE"], [0.4, "#7FB8DE"], [0.6, "#3F93C8"]] as const,
  ...[[0.8, "#0C6BA8"], [1, "#08406B"]] as const,
];

/** Below to above a middle: orange, neutral, blue. */
export const divergingScale: readonly (readonly [number, string])[] = [
  ...[[0, "#B24A00"], [0.25, "#EBA46B"], [0.5, "#F2F2F0"], [0.75, "#7FB8DE"]] as const,
  [1, "#08528C"],
];

/** The shades of one mode. */
export interface Shades {
  background: string;
  text: string;
  muted: string;
  grid: string;
  line: string;
  panel: string;
}

const SHADES: Record<Mode, Shades> = {
  light: {
    background: "#FFFFFF",
    text: "#1B2430",
    muted: "#566171",
    grid: "#E7EAEE",
    line: "#A9B1BC",
    panel: "#F5F7F9",
  },
  dark: {
    background: "#14181F",
    text: "#E8ECF1",
    muted: "#A3ADBA",
    grid: "#2A313B",
    line: "#566171",
    panel: "#1D232C",
  },
};

const SYNONYMS: Record<string, Thing> = {
  "real-time": "live",
  realtime: "live",
  history: "historical",
  "online store": "online",
};

let current: Mode | undefined;

/** The theme in use: set by {@link useTheme}, else by CLICKSTREAM_THEME, else light. */
export function currentMode(): Mode {
  current ??= Deno.env.get("CLICKSTREAM_THEME") === "dark" ? "dark" : "light";
  return current;
}

/**
 * Uses light or dark for all further charts of this process.
 *
 * @throws {ConfigError} another word
 */
export function useTheme(mode: Mode): void {
  if (mode !== "light" && mode !== "dark") {
    throw new ConfigError(`The theme "${mode}" does not exist: use "light" or "dark".`);
  }
  current = mode;
}

/** Backgrounds, text and lines of a mode. */
export function shades(mode: Mode = currentMode()): Shades {
  return SHADES[mode];
}

/** The colour that belongs to a name ("view", "Purchases", "real-time"), if one does. */
export function colourOf(name: string): string | undefined {
  const word = name.trim().toLowerCase();
  const thing = SYNONYMS[word] ?? word;
  if (Object.hasOwn(colours, thing)) return colours[thing as Thing];
  const singular = thing.replace(/s$/, "");
  return Object.hasOwn(colours, singular) ? colours[singular as Thing] : undefined;
}
