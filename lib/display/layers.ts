/** A directed graph by node numbers. */
export interface Graph {
  /** How many nodes there are, numbered from 0. */
  size: number;
  /** Pairs of node numbers: from, to. */
  edges: readonly (readonly [number, number])[];
}

/** A graph in layers from left to right; long edges have been given nodes in between. */
export interface Layered {
  /** Node numbers of each layer, from top to bottom; numbers from `size` on are bends. */
  layers: number[][];
  /** For every edge of the graph the nodes it runs through, bends included. */
  routes: number[][];
}

const SWEEPS = 8;

/**
 * Puts every node in a layer to the right of all that lead to it and orders layers so that few
 * edges cross (each node at the mean place of its neighbours, sweeping to and fro). An edge that
 * would close a circle is drawn backwards.
 */
export function layOutLayers(graph: Graph): Layered {
  const forward = withoutCircles(graph);
  const depth = depths(graph.size, forward);
  const layers: number[][] = Array.from({ length: Math.max(0, ...depth) + 1 }, () => []);
  depth.forEach((layer, node) => layers[layer]!.push(node));
  let next = graph.size;
  const routes = graph.edges.map(([from, to]) => {
    const step = depth[from]! <= depth[to]! ? 1 : -1;
    const route = [from];
    for (let layer = depth[from]! + step; layer !== depth[to]! && from !== to; layer += step) {
      layers[layer]!.push(next);
      route.push(next++);
    }
    return [...route, to];
  });
  order(layers, routes, next);
  return { layers, routes };
}

/** Edges in their order, without those that lead back to a node still being visited. */
function withoutCircles({ size, edges }: Graph): (readonly [number, number])[] {
  const outgoing: [number, number][][] = Array.from({ length: size }, () => []);
  edges.forEach(([from, to], index) => outgoing[from]!.push([to, index]));
  const state = new Uint8Array(size);
  const kept: (readonly [number, number])[] = [];
  const visit = (node: number) => {
    state[node] = 1;
    for (const [to, index] of outgoing[node]!) {
      if (state[to] === 1) continue;
      kept.push(edges[index]!);
      if (state[to] === 0) visit(to);
    }
    state[node] = 2;
  };
  for (let node = 0; node < size; node++) if (state[node] === 0) visit(node);
  return kept;
}

/** The longest way to each node, counted in edges. */
function depths(size: number, edges: (readonly [number, number])[]): number[] {
  const depth = new Array<number>(size).fill(0);
  for (let round = 0, changed = true; changed && round <= size; round++) {
    changed = false;
    for (const [from, to] of edges) {
      if (depth[to]! > depth[from]!) continue;
      depth[to] = depth[from]! + 1;
      changed = true;
    }
  }
  return depth;
}

/** Sorts layers to and fro and keeps the order with the fewest crossings. */
function order(layers: number[][], routes: number[][], size: number): void {
  const neighbours = neighboursOf(routes, size);
  const place = new Array<number>(size).fill(0);
  const number = (layer: number[]) => layer.forEach((node, i) => place[node] = i);
  layers.forEach(number);
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(routes, place, layers);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    const indices = layers.map((_, i) => i);
    for (const index of sweep % 2 === 0 ? indices : indices.reverse()) {
      const beside = new Set(layers[index + (sweep % 2 === 0 ? -1 : 1)] ?? []);
      sortLayer(layers[index]!, place, (node) => neighbours[node]!.filter((n) => beside.has(n)));
      number(layers[index]!);
    }
    const crossed = crossings(routes, place, layers);
    if (crossed >= fewest) continue;
    fewest = crossed;
    best = layers.map((layer) => [...layer]);
  }
  best.forEach((layer, i) => layers[i] = layer);
}

/** For every node those it is joined to by a piece of a route. */
export function neighboursOf(routes: number[][], size: number): number[][] {
  const neighbours: number[][] = Array.from({ length: size }, () => []);
  for (const route of routes) {
    for (let i = 1; i < route.length; i++) {
      neighbours[route[i]!]!.push(route[i - 1]!);
      neighbours[route[i - 1]!]!.push(route[i]!);
    }
  }
  return neighbours;
}

function sortLayer(layer: number[], place: number[], near: (node: number) => number[]): void {
  const mean = (node: number) => {
    const others = near(node);
    if (others.length === 0) return place[node]!;
    return others.reduce((sum, other) => sum + place[other]!, 0) / others.length;
  };
  const wanted = new Map(layer.map((node) => [node, mean(node)]));
  layer.sort((a, b) => wanted.get(a)! - wanted.get(b)! || place[a]! - place[b]!);
}

/** How many pairs of route pieces between the same two layers cross. */
function crossings(routes: number[][], place: number[], layers: number[][]): number {
  const layerOf = new Map(layers.flatMap((layer, i) => layer.map((node) => [node, i] as const)));
  const pieces: [number, number][][] = layers.map(() => []);
  for (const route of routes) {
    for (let i = 1; i < route.length; i++) {
      const [a, b] = [route[i - 1]!, route[i]!];
      const [left, right] = layerOf.get(a)! <= layerOf.get(b)! ? [a, b] : [b, a];
      pieces[layerOf.get(left)!]!.push([place[left]!, place[right]!]);
    }
  }
  let count = 0;
  for (const between of pieces) {
    between.forEach(([a, b], i) => {
      for (const [c, d] of between.slice(i + 1)) if ((a - c) * (b - d) < 0) count++;
    });
  }
  return count;
}
