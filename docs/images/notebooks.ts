/**
 * Keeps the main chart of each executed notebook of a run here, in `notebooks/`: that of the cell
 * tagged `main-chart`, else the first. `deno run -A docs/images/notebooks.ts RUN_FOLDER`, where a run
 * is a folder in `data/local/runs`.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Cell {
  metadata: { tags?: string[] };
  outputs?: { data?: Record<string, string | string[]> }[];
}

const [folder] = Deno.args;
if (folder === undefined) throw new Error("Name the folder of a run.");
for (const name of readdirSync(folder).filter((name) => /^\d\w_\w+\.ipynb$/.test(name)).sort()) {
  const { cells } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { cells: Cell[] };
  const pictures = cells.flatMap(({ metadata, outputs = [] }) =>
    outputs.flatMap(({ data }) => {
      const png = data?.["image/png"];
      return png === undefined ? [] : [{ png, main: metadata.tags?.includes("main-chart") }];
    })
  );
  const picture = pictures.find(({ main }) => main) ?? pictures[0];
  if (picture === undefined) continue;
  const target = new URL(`notebooks/${name.replace(".ipynb", ".png")}`, import.meta.url);
  writeFileSync(target, Uint8Array.fromBase64([picture.png].flat().join("").replaceAll("\n", "")));
  console.log(`${target.pathname.split("/").at(-1)}`);
}
