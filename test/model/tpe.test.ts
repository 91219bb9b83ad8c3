import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { drawPoint, type Point, runStudy, type Space, suggest } from "clickstream/model";
import { createRandom } from "../../lib/model/random.ts";
import { fitParzen, logDensity } from "../../lib/model/tuning/parzen.ts";
import { withHome } from "../support.ts";

const branin = (p: Point) => {
  const [x, y] = [p.x as number, p.y as number];
  const inner = y - 5.1 / (4 * Math.PI ** 2) * x ** 2 + 5 / Math.PI * x - 6;
  return inner ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
};
const braninSpace: Space = {
  x: { kind: "uniform", low: -5, high: 10 },
  y: { kind: "uniform", low: 0, high: 15 },
};

const A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [
  17,
  8,
  0.05,
  10,
  0.1,
  14,
]];
const P = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
];
const C = [1, 1.2, 3, 3.2];
const hartmann = (p: Point) =>
  -C.reduce((sum, c, i) => {
    const distance = A[i]!.reduce(
      (s, a, j) => s + a * ((p[`x${j}`] as number) - P[i]![j]! / 10_000) ** 2,
      0,
    );
    return sum + c * Math.exp(-distance);
  }, 0);
const hartmannSpace: Space = Object.fromEntries(
  Array.from({ length: 6 }, (_, j) => [`x${j}`, { kind: "uniform", low: 0, high: 1 }]),
);

async function compare(objective: (p: Point) => number, space: Space, trials: number) {
  const sums = { tpe: 0, random: 0 };
  let wins = 0;
  for (let seed = 0; seed < 20; seed++) {
    const [tpe, random] = [
      await runStudy(objective, { space, trials, seed }),
      await runStudy(objective, { space, trials, seed, sampler: "random" }),
    ];
    sums.tpe += tpe.best.loss! / 20;
    sums.random += random.best.loss! / 20;
    if (tpe.best.loss! < random.best.loss!) wins++;
  }
  return { ...sums, wins };
}

Deno.test("on Branin, 60 trials come nearer to 0.398 than random search, over 20 seeds", async () => {
  const { tpe, random, wins } = await compare(branin, braninSpace, 60);
  assert.ok(tpe < 0.7 && tpe < random - 0.1, `${tpe} against ${random}`);
  assert.ok(wins >= 14, `${wins} of 20`);
});

Deno.test("on Hartmann 6, 100 trials come nearer to -3.32 than random search, over 20 seeds", async () => {
  const { tpe, random, wins } = await compare(hartmann, hartmannSpace, 100);
  assert.ok(tpe < -2.7 && tpe < random - 0.4, `${tpe} against ${random}`);
  assert.ok(wins >= 17, `${wins} of 20`);
});

const mixed: Space = {
  layers: { kind: "quantised", low: 1, high: 3, step: 1 },
  width: { kind: "quantised", low: 32, high: 512, step: 32, log: true },
  rate: { kind: "logUniform", low: 1e-4, high: 0.03 },
  batch: { kind: "choice", options: [256, 512, 1024] },
};

Deno.test("points stay in their space, at random and learnt", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 0, max: 30 }), (seed, count) => {
    const random = createRandom(seed);
    const observations = Array.from({ length: count }, () => ({
      point: drawPoint(mixed, random),
      loss: random.next(),
    }));
    const { layers, width, rate, batch } = suggest(mixed, observations, random);
    assert.ok([1, 2, 3].includes(layers as number));
    assert.ok((width as number) % 32 === 0 && width as number >= 32 && width as number <= 512);
    assert.ok(rate as number >= 1e-4 && rate as number <= 0.03);
    assert.ok([256, 512, 1024].includes(batch as number));
  }));
});

Deno.test("an estimator's density integrates to one, also in steps and logarithms", () => {
  const fine = { kind: "uniform", low: 0, high: 2 } as const;
  const parzen = fitParzen(fine, [0.3, 0.4, 1.9]);
  let sum = 0;
  for (let i = 0; i < 2000; i++) sum += Math.exp(logDensity(parzen, (i + 0.5) / 1000)) / 1000;
  assert.ok(Math.abs(sum - 1) < 1e-3, `${sum}`);
  for (const log of [false, true]) {
    const steps = { kind: "quantised", low: 32, high: 512, step: 32, log } as const;
    const quantised = fitParzen(steps, [64, 64, 320]);
    let total = 0;
    for (let value = 32; value <= 512; value += 32) total += Math.exp(logDensity(quantised, value));
    assert.ok(Math.abs(total - 1) < 1e-3, `${log}: ${total}`);
  }
});

Deno.test("a study broken off goes on where it stopped and ends as an unbroken one", () =>
  withHome(async (home) => {
    const options = { space: mixed, seed: 3, trials: 24 };
    const loss = (p: Point) =>
      Math.abs(Math.log(p.rate as number / 1e-3)) + (p.layers as number) / 9;
    const whole = await runStudy(loss, options);
    const file = join(home, "study.jsonl");
    await runStudy(loss, { ...options, trials: 11, file });
    appendFileSync(file, '{"number":11,"poi');
    let ran = 0;
    const resumed = await runStudy((p) => {
      ran++;
      return loss(p);
    }, { ...options, file });
    assert.equal(ran, 13);
    const plain = (trials: typeof whole.trials) =>
      trials.map(({ point, loss }) => ({ point, loss }));
    assert.deepEqual(plain(resumed.trials), plain(whole.trials));
    assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 25);
    const other = { ...options, seed: 4, file };
    await assert.rejects(runStudy(loss, other), /another space or has another seed/);
    writeFileSync(file, "no json\n");
    await assert.rejects(runStudy(loss, { ...options, file }), /broken in line 1/);
  }));

Deno.test("which worker is faster does not change the points tried", async () => {
  const run = (delays: (n: number) => number) =>
    runStudy(async (p, { number }) => {
      for (let i = 0; i < delays(number); i++) await Promise.resolve();
      return branin(p);
    }, { space: braninSpace, trials: 30, workers: 3, seed: 2 });
  const first = await run((n) => (n * 7) % 5);
  const second = await run((n) => (n * 3) % 11);
  assert.deepEqual(first.trials.map((t) => t.point), second.trials.map((t) => t.point));
});

Deno.test("trials that fail are kept with their reason; a study of failures is an error", async () => {
  const flaky = await runStudy((p) => {
    if ((p.x as number) < 0) throw new Error("negative");
    return branin(p);
  }, { space: braninSpace, trials: 30 });
  const failed = flaky.trials.filter(({ state }) => state === "failed");
  assert.ok(
    failed.length > 0 && failed.every(({ error, loss }) => error === "negative" && loss === null),
  );
  const all = runStudy(() => NaN, { space: braninSpace, trials: 3 });
  await assert.rejects(all, /All 3 trials failed; the first said: The loss is NaN/);
});

Deno.test("with rungs, trials among the worse two thirds stop early", async () => {
  const { trials, best } = await runStudy((p, { report }) => {
    const loss = branin(p);
    for (const step of [1, 3, 9]) if (!report(step, loss + 1 / step)) break;
    return loss;
  }, { space: braninSpace, trials: 40, rungs: [1, 3] });
  const steps = trials.map(({ steps }) => steps.length);
  assert.ok(steps.filter((n) => n === 3).length < 24);
  assert.ok(steps.filter((n) => n === 1).length > 8);
  assert.equal(best.steps.length, 3);
});

Deno.test("a space that cannot be drawn from is named", async () => {
  const wrong: Space[] = [
    { x: { kind: "uniform", low: 2, high: 1 } },
    { x: { kind: "logUniform", low: 0, high: 1 } },
    { x: { kind: "choice", options: [] } },
  ];
  for (const space of wrong) {
    await assert.rejects(runStudy(() => 0, { space }), /Parameter x cannot be drawn/);
  }
  await assert.rejects(runStudy(() => 0, { space: {} }), /needs a parameter/);
});
