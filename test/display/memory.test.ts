import assert from "node:assert/strict";
import { renderSvg } from "clickstream/display";

Deno.test("a chart redrawn for hours does not fill the memory", async () => {
  const code = `
    import { renderSvg } from "clickstream/display";
    const draw = async (times) => {
      for (let i = 0; i < times; i++) {
        await renderSvg({ data: [{ y: [i, 2 * i, i] }], layout: { title: "Frame " + i } });
      }
      globalThis.gc();
      return Deno.memoryUsage().heapUsed / 1e6;
    };
    const before = await draw(10);
    console.log(Math.round(await draw(100) - before));
  `;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--expose-gc", code],
    cwd: new URL("../..", import.meta.url),
  }).output();
  assert.ok(success);
  const grownMegabytes = Number(new TextDecoder().decode(stdout));
  assert.ok(grownMegabytes < 40, `${grownMegabytes} MB for 100 charts`);
});

Deno.test("a chart that fails leaves nothing behind that disturbs the next", async () => {
  const before = await renderSvg({ data: [{ y: [1, 2] }] });
  const broken = { data: [{ y: [1, 2] }], layout: { margin: { l: 5000, r: 5000 } } };
  await renderSvg(broken).catch(() => {});
  const after = await renderSvg({ data: [{ y: [1, 2] }] });
  assert.equal(after.length, before.length);
});
