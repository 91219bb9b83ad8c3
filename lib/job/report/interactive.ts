import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { type Html, markup } from "./html.ts";

/** MIME type of a Plotly figure in a notebook's output. */
export const PLOTLY_MIME = "application/vnd.plotly.v1+json";

/** A button that turns the picture beside it into the live figure; shown only where scripts run. */
export function interactiveButton(figure: unknown): Html {
  const json = JSON.stringify(figure).replaceAll("<", "\\u003c");
  return markup`<button type="button" hidden>Explore</button>${{
    html: `<script type="application/json" class="figure">${json}</script>`,
  }}`;
}

/**
 * The script behind the buttons, with the one copy of plotly.js: compressed, and unpacked when the
 * first button is pressed, so that the page opens fast and needs no network.
 */
export function interactiveScript(): Html {
  const file = createRequire(import.meta.url).resolve("plotly.js-dist/plotly.js");
  const packed = gzipSync(readFileSync(file)).toString("base64");
  return {
    html: `<script type="text/plain" id="plotly">${packed}</script>\n<script>${HANDLER}</script>`,
  };
}

const HANDLER = `
let plotly;
function loadPlotly() {
  plotly ??= (async () => {
    const packed = atob(document.getElementById("plotly").textContent);
    const bytes = Uint8Array.from(packed, (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    return globalThis.Plotly;
  })();
  return plotly;
}
for (const button of document.querySelectorAll("figure > button")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const image = button.parentElement.querySelector("img");
    const figure = JSON.parse(button.parentElement.querySelector("script.figure").textContent);
    const place = document.createElement("div");
    place.style.height = Math.max(image.clientHeight, 300) + "px";
    const { newPlot } = await loadPlotly();
    image.replaceWith(place);
    const layout = { ...figure.layout, autosize: true, width: undefined, height: undefined };
    await newPlot(place, figure.data, layout, { ...figure.config, responsive: true });
    button.remove();
  });
}
`;
