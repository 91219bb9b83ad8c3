import assert from "node:assert/strict";
import { join } from "node:path";
import { runNotebook } from "../../lib/job/notebook/mod.ts";
import { withHome } from "../support.ts";
import { notebookFile } from "./support.ts";

/** Cells whose one line with `here` throws: the emitted code has other lines than the cell. */
const CELLS: [string, string][] = [
  [
    "blank lines and comments",
    `// Title

// more

const a = 1;

throw new Error("x"); // here`,
  ],
  [
    "types that vanish",
    `interface Row {
  a: number;
}
type Rows = Row[];
const rows: Rows | undefined = undefined;
(rows as unknown as Rows).map((row) => row.a); // here`,
  ],
  [
    "imports over several lines",
    `import {
  basename,
  dirname,
} from "node:path";
import process, { type Process } from "node:process";

basename(dirname(process.cwd()));
null!.fail(); // here`,
  ],
  [
    "literals that are spread out, and calls that are joined",
    `const rows = [1, 2, 3].map((n) => ({ n }));
await Promise.all(
  rows.map((row) =>
    Promise.resolve(
      row,
    )
  ),
);
const look = (row: { n: number } | undefined) => row!.n + 1; // here
look(
  undefined,
);`,
  ],
  [
    "a line of nothing but types",
    `const a = undefined as { b: number } | undefined;

(a as unknown as { b: number }).b; // here`,
  ],
  [
    "an error after an await in the middle of an object",
    `const value = await Promise.resolve(undefined as { b: number } | undefined);
const shown = {
  a: 1,
  deep: { c: [1, 2, 3] },
  b: value!.b, // here
};
shown;`,
  ],
];

for (const [name, source] of CELLS) {
  Deno.test(`the line of an error is found past ${name}`, async () => {
    await withHome(async (home) => {
      const path = await notebookFile(home, "n.ipynb", [source]);
      const run = await runNotebook({ path, output: join(home, "out.ipynb") });
      const wanted = source.split("\n").findIndex((line) => line.endsWith("// here")) + 1;
      assert.equal(run.failure?.line, wanted, JSON.stringify(run.failure));
    });
  });
}
