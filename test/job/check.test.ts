import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "clickstream/config";
import { cleaned, cleanFindings } from "../../lib/job/check/clean_notebook.ts";
import { ALLOWED, directionFindings } from "../../lib/job/check/directions.ts";
import { extractModule } from "../../lib/job/check/extract.ts";
import { checkCells, mapBack } from "../../lib/job/check/notebooks.ts";
import { structureFindings } from "../../lib/job/check/structure.ts";
import { cleanNotebooks } from "../../lib/job/clean.ts";
import { formatNotebook, type Notebook, parseNotebook } from "../../lib/job/notebook/mod.ts";
import { withHome } from "../support.ts";
import { type CellText, notebookFile } from "./support.ts";

async function notebookOf(cells: CellText[]): Promise<Notebook> {
  return await withHome(async (home) => {
    const path = await notebookFile(home, "n.ipynb", cells);
    return parseNotebook(await Deno.readTextFile(path), path);
  });
}

const GOOD: CellText[] = [
  {
    source: "# Title\n\n_Reading time 3 minutes. Needs nothing; makes a table._",
    markdown: true,
  },
  { source: "const size = 3;", tags: ["parameters"] },
  { source: "Why we count, and what to look for.", markdown: true },
  "// Count\nconst counted = size;",
  { source: "**Exercise** <details>42</details>", markdown: true },
  '// Check\nimport { conclude } from "clickstream/job";\nawait conclude(counted);',
];

Deno.test("imports in lib go one way", () => {
  assert.deepEqual(directionFindings(projectRoot), []);
});

Deno.test("the allowed imports have no circle", () => {
  const reach = (folder: string, path: string[] = []): void => {
    assert.ok(!path.includes(folder), `${[...path, folder].join(" -> ")} is a circle`);
    for (const next of ALLOWED[folder] ?? []) reach(next, [...path, folder]);
  };
  for (const folder of Object.keys(ALLOWED)) reach(folder);
});

Deno.test("a wrong import is found: upwards, past a mod.ts, and of oneself by alias", async () => {
  await withHome(async (home) => {
    await Deno.mkdir(join(home, "lib/events/inner"), { recursive: true });
    const lines = [
      'import { a } from "clickstream/model";',
      'import { b } from "../lakehouse/mod.ts";',
      'export { c } from "clickstream/events";',
      'import { d } from "clickstream/config";',
      'const e = await import("clickstream/serving");',
      ' * import { f } from "clickstream/serving";',
    ];
    await Deno.writeTextFile(
      join(home, "lib/events/a.ts"),
      `${lines.slice(0, 5).join("\n")}\n/**\n${lines[5]}\n */\n`,
    );
    await Deno.writeTextFile(join(home, "lib/events/inner/b.ts"), 'import "../a.ts";');
    assert.deepEqual(directionFindings(home).map(({ message }) => message), [
      "events must not import model.",
      "../lakehouse/mod.ts leaves the folder: import it by its clickstream name.",
      "clickstream/events is this folder itself: import by relative path.",
      "events must not import serving.",
    ]);
  });
});

Deno.test("cells become one module whose lines map back to their cells", async () => {
  const module = extractModule(
    await notebookOf([
      'import { join } from "node:path";\n\nconst a = 1;',
      { source: "words", markdown: true },
      'import { join, dirname } from "node:path";\nconst b = a;',
    ]),
  );
  const lines = module.text.trimEnd().split("\n");
  assert.deepEqual(lines, [
    'import { join,} from "node:path";',
    'import { dirname,} from "node:path";',
    "export {};",
    "const a = 1;",
    "const b = a;",
  ]);
  assert.deepEqual(module.origins[3], { cell: 1, line: 3 });
  assert.deepEqual(module.origins[4], { cell: 3, line: 2 });
});

Deno.test("types and lint of cells are checked, with notebook, cell and line in the messages", async () => {
  await withHome(async (home) => {
    await Deno.mkdir(join(home, "notebooks"));
    await Deno.writeTextFile(join(home, "deno.json"), '{ "compilerOptions": { "strict": true } }');
    const write = (name: string, cells: CellText[]) =>
      notebookFile(join(home, "notebooks"), name, cells);
    await write("good.ipynb", [
      { source: 'const speed: number | "max" = 100;\nconst job = false;', tags: ["parameters"] },
      'console.log(speed === "max", job ? 1 : 2);\nconst again = 1;\nconsole.log(again);',
      'const again = "text";\nawait Promise.resolve(again.length);',
    ]);
    assert.deepEqual(await checkCells(home), { ok: true, output: "" });
    await write("bad.ipynb", [
      "const a = 1;",
      "// Double it\n\nconst b: string = a;\nconsole.log(b);",
      "let c = 2;",
    ]);
    const { ok, output } = await checkCells(home);
    assert.equal(ok, false);
    assert.match(output, /TS2322[\s\S]*notebooks\/bad\.ipynb, cell 2, line 3:7/);
    assert.match(output, /no-unused-vars[\s\S]*notebooks\/bad\.ipynb, cell 3, line 1/);
  });
});

Deno.test("a place in an extracted module reads as its notebook's, with or without a line", () => {
  const origins = new Map([["1a.ipynb", [undefined, { cell: 4, line: 2 }]]]);
  assert.equal(
    mapBack("at file:///tmp/x/1a.ts:2:7, /tmp/x/1a.ts", "/tmp/x", origins),
    "at notebooks/1a.ipynb, cell 4, line 2:7, notebooks/1a.ipynb",
  );
});

Deno.test("a well-made notebook keeps every rule of structure", async () => {
  assert.deepEqual(structureFindings(await notebookOf(GOOD), "n.ipynb"), []);
});

const BROKEN: [rule: string, what: string, cells: CellText[]][] = [
  ["S1", "no title", [{ source: "words, 3 minutes", markdown: true }, ...GOOD.slice(1)]],
  ["S1", "no time", [{ source: "# Title\n\nNeeds a; makes b.", markdown: true }, ...GOOD.slice(1)]],
  ["S2", "no needs", [{ source: "# Title 3 minutes", markdown: true }, ...GOOD.slice(1)]],
  ["S3", "no parameters", GOOD.filter((_, i) => i !== 1)],
  ["S4", "no words", [...GOOD.slice(0, 3), "// A\n1", "// B\n2", ...GOOD.slice(3)]],
  ["S5", "no title of a cell", [...GOOD.slice(0, 3), "const x = 1;", ...GOOD.slice(4)]],
  ["S6", "a long cell", [...GOOD.slice(0, 3), `// Long\n${"1;\n".repeat(70)}`, ...GOOD.slice(4)]],
  ["S7", "no claims checked", GOOD.slice(0, 5)],
  ["S8", "no exercise", GOOD.filter((_, i) => i !== 4)],
  ["S9", "a relative import", [
    ...GOOD.slice(0, 3),
    '// A\nimport { x } from "../lib/x.ts";',
    ...GOOD.slice(4),
  ]],
  ["S10", "Deno.exit", [...GOOD.slice(0, 3), "// A\nDeno.exit(1);", ...GOOD.slice(4)]],
];
for (const [rule, what, cells] of BROKEN) {
  Deno.test(`${rule} finds a notebook with ${what}`, async () => {
    const rules = structureFindings(await notebookOf(cells), "n.ipynb").map(({ rule }) => rule);
    assert.ok(rules.includes(rule), `found ${rules}`);
  });
}

Deno.test("what an editor leaves behind is found, and deno task clean mends it", async () => {
  await withHome(async (home) => {
    const path = join(home, "n.ipynb");
    const notebook = await notebookOf(["// A\nconst a=1", "// Show\nawait chart(a);"]);
    const [first, second] = notebook.cells;
    first!.execution_count = 3;
    first!.outputs = [{ output_type: "stream", name: "stdout", text: "hi" }];
    first!.metadata = { tags: ["keep"], scrolled: true };
    second!.id = first!.id;
    notebook.metadata = { widgets: {} };
    const text = formatNotebook(notebook);
    const rules = cleanFindings(notebook, "n.ipynb").map(({ rule }) => rule);
    assert.deepEqual(rules, ["C1", "C2", "C3", "C4", "C6", "C3"]);
    await Deno.writeTextFile(path, text);
    assert.deepEqual(await cleanNotebooks(home, { dryRun: true }), ["n.ipynb"]);
    assert.equal(await Deno.readTextFile(path), text);
    assert.deepEqual(await cleanNotebooks(home), ["n.ipynb"]);
    const after = await Deno.readTextFile(path);
    const mended = parseNotebook(after, path);
    assert.deepEqual(cleanFindings(mended, "n.ipynb"), []);
    assert.equal(mended.cells[0]?.source, "// A\nconst a = 1;");
    assert.deepEqual(mended.cells.map(({ metadata }) => metadata.tags), [
      ["keep"],
      ["expects-output"],
    ]);
    assert.deepEqual(await cleanNotebooks(home), []);
    assert.deepEqual(cleaned(mended), mended);
  });
});
