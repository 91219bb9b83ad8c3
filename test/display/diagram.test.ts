import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { diagram, pipelineDiagram, renderDiagram } from "clickstream/display";
import { describeDiagram } from "../../lib/display/diagram.ts";
import { drawDiagram } from "../../lib/display/diagram_svg.ts";

const SPEC = {
  title: "Two steps",
  nodes: [
    { id: "hub", label: "Event Hubs", count: 12_000n, unit: "messages" },
    { id: "bronze", label: "bronze", count: 11_998, thing: "bronze" as const },
    { id: "rejected", label: "<rejected>" },
  ],
  edges: [{ from: "hub", to: "bronze" }, { from: "hub", to: "rejected", label: "bad" }],
};

Deno.test("a diagram in words has a line a node, with counts and targets", () => {
  assert.equal(
    describeDiagram(SPEC),
    [
      "[diagram] Two steps",
      "  Event Hubs  12,000 messages  → bronze, <rejected> (bad)",
      "  bronze               11,998",
      "  <rejected>",
    ].join("\n"),
  );
});

Deno.test("no two boxes overlap and all lie in the picture", async () => {
  const { svg, width, height } = await drawDiagram(pipelineDiagram({ staged: 200_000 }, "All"));
  const boxes = [
    ...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="(\d+)" height="(\d+)" rx="8"/g),
  ]
    .map((match) => match.slice(1).map(Number) as [number, number, number, number]);
  assert.equal(boxes.length, 11);
  boxes.forEach(([x, y, w, h], i) => {
    assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height);
    for (const [x2, y2, w2, h2] of boxes.slice(i + 1)) {
      assert.ok(x + w <= x2 || x2 + w2 <= x || y + h <= y2 || y2 + h2 <= y);
    }
  });
});

Deno.test("labels are text, not markup", async () => {
  const { svg } = await drawDiagram(SPEC);
  assert.match(svg, /&lt;rejected&gt;/);
});

Deno.test("it is drawn as PNG at twice its size", async () => {
  const { width, height } = await drawDiagram(SPEC);
  const png = Buffer.from(await renderDiagram(SPEC));
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [2 * width, 2 * height]);
});

Deno.test("circles and edges to oneself are drawn too", async () => {
  const nodes = ["a", "b", "c"].map((id) => ({ id, label: id }));
  const edges = [["a", "b"], ["b", "c"], ["c", "a"], ["b", "b"]].map(([from, to]) => ({
    from: from!,
    to: to!,
  }));
  const { svg } = await drawDiagram({ nodes, edges });
  assert.doesNotMatch(svg, /NaN|undefined/);
});

Deno.test("an empty diagram is a picture too", async () => {
  const { svg } = await drawDiagram({ nodes: [], edges: [] });
  assert.doesNotMatch(svg, /NaN|Infinity/);
});

Deno.test("an edge to nowhere and two nodes of one id are refused by name", async () => {
  const nodes = [{ id: "a", label: "a" }];
  await assert.rejects(diagram({ nodes, edges: [{ from: "a", to: "b" }] }), /a → b names "b"/);
  await assert.rejects(diagram({ nodes: [...nodes, ...nodes], edges: [] }), /two nodes "a"/);
});
