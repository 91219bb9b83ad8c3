import assert from "node:assert/strict";
import fc from "fast-check";
import { layOutLayers } from "../../lib/display/layers.ts";

Deno.test("a chain is one node a layer", () => {
  const { layers } = layOutLayers({ size: 3, edges: [[0, 1], [1, 2]] });
  assert.deepEqual(layers, [[0], [1], [2]]);
});

Deno.test("a long edge bends in every layer it passes", () => {
  const { layers, routes } = layOutLayers({ size: 3, edges: [[0, 1], [1, 2], [0, 2]] });
  assert.deepEqual(routes[2], [0, 3, 2]);
  assert.deepEqual(layers[1]!.toSorted(), [1, 3]);
});

Deno.test("edges that need not cross do not", () => {
  const { layers } = layOutLayers({ size: 4, edges: [[0, 3], [1, 2]] });
  assert.deepEqual([layers[0]!.indexOf(0) < layers[0]!.indexOf(1)], [
    layers[1]!.indexOf(3) < layers[1]!.indexOf(2),
  ]);
});

Deno.test("any graph, circles included, has every node once and every route whole", () => {
  const graph = fc.integer({ min: 1, max: 9 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      edges: fc.array(
        fc.tuple(fc.nat({ max: size - 1 }), fc.nat({ max: size - 1 })),
        { maxLength: 14 },
      ),
    })
  );
  fc.assert(fc.property(graph, ({ size, edges }) => {
    const { layers, routes } = layOutLayers({ size, edges });
    const layerOf = new Map(layers.flatMap((layer, i) => layer.map((node) => [node, i] as const)));
    assert.equal(layers.flat().length, layerOf.size);
    for (let node = 0; node < size; node++) assert.ok(layerOf.has(node));
    routes.forEach((route, i) => {
      assert.deepEqual([route[0], route.at(-1)], edges[i]);
      for (let at = 1; at < route.length; at++) {
        const step = Math.abs(layerOf.get(route[at]!)! - layerOf.get(route[at - 1]!)!);
        assert.ok(route[0] === route.at(-1) || step === 1, `a route jumps ${step} layers`);
      }
    });
  }));
});
