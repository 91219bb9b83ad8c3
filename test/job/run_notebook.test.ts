import assert from "node:assert/strict";
import { join } from "node:path";
import { declaredParameters, readNotebook, runNotebook } from "../../lib/job/notebook/mod.ts";
import { withHome } from "../support.ts";
import { type CellText, notebookFile, shown } from "./support.ts";

interface Executed {
  run: Awaited<ReturnType<typeof runNotebook>>;
  copy: Awaited<ReturnType<typeof readNotebook>>;
}

async function execute(
  cells: CellText[],
  options: Partial<Parameters<typeof runNotebook>[0]> = {},
): Promise<Executed> {
  return await withHome(async (home) => {
    const path = await notebookFile(home, "story.ipynb", cells);
    const output = join(home, "executed.ipynb");
    const run = await runNotebook({ path, output, ...options });
    return { run, copy: await readNotebook(output) };
  });
}

Deno.test("cells run in order and share what they declare", async () => {
  const { run, copy } = await execute(["const a = 20;", "a + 1", 'console.log("and", a + 2)']);
  assert.equal(run.status, "SUCCESS");
  assert.match(shown(copy.cells[1]), /21/);
  assert.match(shown(copy.cells[2]), /and 22/);
  assert.deepEqual(copy.cells.map((cell) => cell.execution_count), [1, 2, 3]);
});

Deno.test("parameters reach a notebook in a cell after its parameters cell, only those it declares", async () => {
  const { run, copy } = await execute(
    [
      { source: 'const size = 10;\nconst data = "none";', tags: ["parameters"] },
      "console.log(`${data} ${size}`)",
    ],
    { parameters: { size: 25, data: 'a "quoted" file', other: true } },
  );
  assert.equal(run.status, "SUCCESS");
  assert.deepEqual(copy.cells[1]?.metadata, { tags: ["injected-parameters"] });
  assert.doesNotMatch(copy.cells[1]!.source, /other/);
  assert.deepEqual(copy.cells[2]?.outputs.map((output) => "text" in output && output.text), [
    `a "quoted" file 25\n`,
  ]);
});

Deno.test("declared parameters are read with their types", () => {
  const source = [
    'const data: "synthetic" | "sample" = "synthetic"; // which rows',
    "const size = 200_000;",
    "const cutoff: string | null = null;",
    "let ignored = 1;",
  ].join("\n");
  const cell = {
    cell_type: "code" as const,
    id: "p",
    metadata: { tags: ["parameters"] },
    source,
    outputs: [],
    execution_count: null,
  };
  const notebook = { metadata: {}, nbformat: 4, nbformat_minor: 5, cells: [cell] };
  assert.deepEqual(declaredParameters(notebook), [
    { name: "data", type: '"synthetic" | "sample"', defaultText: '"synthetic"' },
    { name: "size", type: "number", defaultText: "200_000" },
    { name: "cutoff", type: "string | null", defaultText: "null" },
  ]);
});

Deno.test("a failing cell ends the run, and the copy keeps the error in place", async () => {
  const { run, copy } = await execute([
    'console.log("before")',
    '// Divide\n\nthrow new RangeError("no divisor")',
    'console.log("after")',
  ]);
  assert.equal(run.status, "FAILED");
  assert.deepEqual({ ...run.failure, stack: [] }, {
    status: "FAILED",
    notebook: "story.ipynb",
    cell: 2,
    firstLine: "// Divide",
    line: 3,
    error: "RangeError: no divisor",
    stack: [],
  });
  assert.match(shown(copy.cells[0]), /before/);
  assert.equal(copy.cells[1]?.outputs.at(-1)?.output_type, "error");
  assert.equal(copy.cells[2]?.execution_count, null);
});

Deno.test("a syntax error names its line", async () => {
  const { run } = await execute(["const a = 1;\nconst b = ;"]);
  assert.equal(run.failure?.line, 2);
  assert.match(run.failure!.error, /SyntaxError: Expression expected/);
});

Deno.test("an unhandled rejection fails its cell", async () => {
  const { run, copy } = await execute(['Promise.reject(new Error("lost")); undefined', "1"]);
  assert.equal(run.failure?.cell, 1);
  assert.match(run.failure!.error, /Error: lost \(unhandled rejection/);
  assert.match(shown(copy.cells[0]), /lost/);
});

Deno.test("an error in a timer fails the cell that runs, without waiting for what never comes", async () => {
  const started = performance.now();
  const { run } = await execute([
    'setTimeout(() => { throw new Error("tick") }, 20);\nawait new Promise(() => {});',
  ]);
  assert.match(run.failure!.error, /Error: tick \(uncaught error/);
  assert.ok(performance.now() - started < 15_000);
});

Deno.test("a kernel that dies in mid-cell fails the cell with how it ended", async () => {
  const { run, copy } = await execute(['console.log("last words");', "Deno.exit(7)"]);
  assert.equal(run.status, "FAILED");
  assert.equal(run.failure?.cell, 2);
  assert.match(run.failure!.error, /kernel died \(exit code 7\)/);
  assert.match(shown(copy.cells[0]), /last words/);
  assert.match(shown(copy.cells[1]), /kernel died/);
});

Deno.test("a cell that never ends is ended after its time, busy or awaiting", async () => {
  for (const source of ["while (true) {}", "await new Promise(() => {})"]) {
    const { run } = await execute([source], { cellTimeoutMs: 400 });
    assert.equal(run.status, "TIMEDOUT");
    assert.match(run.failure!.error, /Timeout/);
  }
});

Deno.test("a canceled run keeps the partial copy", async () => {
  const cancel = new AbortController();
  const { run, copy } = await execute(['console.log("kept")', "await new Promise(() => {})"], {
    signal: cancel.signal,
    onProgress: ({ step }) => {
      if (step === 2) cancel.abort();
    },
  });
  assert.equal(run.status, "CANCELED");
  assert.match(shown(copy.cells[0]), /kept/);
});

Deno.test("an update of a display changes the earlier output", async () => {
  const show = (type: string, value: string) =>
    `await Deno.jupyter.broadcast("${type}", { data: { "text/plain": "${value}" }, metadata: {}, transient: { display_id: "bar" } }); undefined`;
  const notes: string[] = [];
  const { copy } = await execute(
    [show("display_data", "0 of 2"), show("update_display_data", "2 of 2")],
    { onProgress: ({ note }) => note && notes.push(note) },
  );
  assert.match(shown(copy.cells[0]), /2 of 2/);
  assert.equal(copy.cells[1]?.outputs.length, 0);
  assert.deepEqual(notes, ["2 of 2"]);
});

Deno.test("a cell that should have shown something and did not fails", async () => {
  const { run } = await execute([{ source: "const a = 1;", tags: ["expects-output"] }]);
  assert.match(run.failure!.error, /showed nothing/);
  const picture = await execute([{ source: "1 + 1", tags: ["expects-output:image/png"] }]);
  assert.match(picture.run.failure!.error, /expected to show image\/png/);
});

Deno.test("secrets are hidden in what is kept", async () => {
  const { copy } = await execute(
    ['console.log("key s3cr3t!"); "s3cr3t!"', 'throw new Error("s3cr3t!")'],
    { mask: (text) => text.replaceAll("s3cr3t!", "***") },
  );
  assert.doesNotMatch(JSON.stringify(copy.cells.map((cell) => cell.outputs)), /s3cr3t!/);
  assert.match(shown(copy.cells[0]), /key \*\*\*/);
});

Deno.test("what is no notebook is refused with its name and what is wrong", async () => {
  await withHome(async (home) => {
    const run = (path: string) => runNotebook({ path, output: join(home, "out.ipynb") });
    await assert.rejects(run(join(home, "none.ipynb")), /NotFoundError|no notebook at/);
    const broken = join(home, "broken.ipynb");
    await Deno.writeTextFile(broken, "{ cells: ");
    await assert.rejects(run(broken), /broken\.ipynb is not valid JSON/);
    await Deno.writeTextFile(broken, '{"nbformat": 3}');
    await assert.rejects(run(broken), /not a notebook of format 4/);
  });
});
