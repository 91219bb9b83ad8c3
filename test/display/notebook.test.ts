import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { type Message, startKernel } from "./kernel.ts";

const NOTEBOOKS = fileURLToPath(new URL("../../notebooks", import.meta.url));

Deno.test("in a real Deno kernel", async (t) => {
  const kernel = await startKernel(NOTEBOOKS);
  try {
    await t.step("a chart shows the plotly figure, a PNG and words", async () => {
      const outputs = await kernel.run(`
        import { chart } from "clickstream/display";
        await chart({
          data: [{ type: "bar", x: ["view", "cart"], y: [793748n, 54035n] }],
          layout: { title: { text: "Few views become carts" } },
        });
      `);
      const [live, shown] = displays(outputs);
      assert.deepEqual(Object.keys(live!.content.data).sort(), [
        "application/vnd.plotly.v1+json",
        "text/plain",
      ]);
      assert.equal(shown!.type, "update_display_data");
      assert.equal(shown!.content.transient.display_id, live!.content.transient.display_id);
      const { data, metadata } = shown!.content;
      assert.deepEqual(Object.keys(data).sort(), [
        "application/vnd.plotly.v1+json",
        "image/png",
        "text/plain",
      ]);
      const figure = data["application/vnd.plotly.v1+json"];
      assert.deepEqual(figure.data[0].y, [793748, 54035]);
      assert.equal(figure.layout.title.text, "Few views become carts");
      const png = Buffer.from(data["image/png"], "base64");
      assert.equal(png.subarray(1, 4).toString(), "PNG");
      assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1680, 900]);
      assert.match(data["text/plain"], /Few views become carts\n.*bar, 2 points/);
      const { alt: _alt, ...size } = metadata["image/png"];
      assert.deepEqual(size, { width: 840 });
    });
    await t.step("a table shows HTML without scripts and text, ids exact", async () => {
      const outputs = await kernel.run(`
        import { table } from "clickstream/display";
        await table([{ user_id: 1515915625353900095n, events: 12345n }], { limit: 5 });
      `);
      const [shown] = displays(outputs);
      assert.match(shown!.content.data["text/html"], />1515915625353900095<.*>12,345</);
      assert.doesNotMatch(shown!.content.data["text/html"], /<script/);
      assert.match(shown!.content.data["text/plain"], /1515915625353900095 {2}12,345/);
    });
    await t.step("progress is one output, updated in place", async () => {
      const outputs = await kernel.run(`
        import { progress } from "clickstream/display";
        const loading = progress("Loading", { total: 4, unit: "files" });
        for (let done = 1; done <= 4; done++) {
          loading.update(done);
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
        await loading.finish();
      `);
      const shown = displays(outputs);
      assert.equal(shown[0]!.type, "display_data");
      assert.ok(shown.length >= 4);
      for (const message of shown.slice(1)) assert.equal(message.type, "update_display_data");
      assert.equal(new Set(shown.map((m) => m.content.transient.display_id)).size, 1);
      assert.match(shown.at(-1)!.content.data["text/plain"], /^✓ Loading {2}4 files · in 1\.\d s/);
    });
    await t.step("a live chart is one output, redrawn in place", async () => {
      const outputs = await kernel.run(`
        import { liveChart } from "clickstream/display";
        const lag = liveChart("lag", { intervalMs: 0 });
        for (let i = 1; i <= 40; i++) {
          lag.update({ data: [{ name: "live", y: [i] }] });
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
        await lag.finish({ data: [{ name: "live", y: [99] }] });
      `);
      const shown = displays(outputs);
      assert.equal(shown[0]!.type, "display_data");
      assert.ok(shown.length >= 2 && shown.length <= 13, `${shown.length} draws`);
      for (const message of shown.slice(1)) assert.equal(message.type, "update_display_data");
      for (const { content } of shown) assert.equal(content.transient.display_id, "lag");
      const live = shown.map(({ content }) => "application/vnd.plotly.v1+json" in content.data);
      assert.deepEqual(live.slice(0, -2), live.slice(0, -2).fill(false));
      assert.deepEqual(live.slice(-2), [true, true]);
      assert.match(shown.at(-1)!.content.data["text/plain"], /y 99 to 99/);
    });
    await t.step("a diagram shows a PNG and words", async () => {
      const outputs = await kernel.run(`
        import { diagram, pipelineDiagram } from "clickstream/display";
        await diagram(pipelineDiagram({ bronze: 34_797n }));
      `);
      const { data } = displays(outputs)[0]!.content;
      assert.deepEqual(Object.keys(data).sort(), ["image/png", "text/plain"]);
      assert.match(data["text/plain"], /bronze +34,797 {2}→ silver, live, rejected/);
    });
    await t.step("a chart that cannot be drawn is an error of the cell, in words", async () => {
      const outputs = await kernel.run(`
        import { chart } from "clickstream/display";
        await chart({ data: [{ x: [() => 1] }] });
      `);
      const failed = outputs.find((message) => message.type === "error");
      assert.equal(failed!.content.ename, "DisplayError");
      assert.match(failed!.content.evalue, /figure\.data\[0\]\.x\[0\] is a function/);
    });
    await t.step("markdown is rendered by the front end", async () => {
      const outputs = await kernel.run(`
        import { markdown } from "clickstream/display";
        await markdown("**done**");
      `);
      assert.equal(displays(outputs)[0]!.content.data["text/markdown"], "**done**");
    });
    await t.step("nothing is left in the global scope", async () => {
      const outputs = await kernel.run("[typeof document, typeof Plotly, typeof d3].join()");
      const result = outputs.find((message) => message.type === "execute_result");
      assert.match(result!.content.data["text/plain"], /undefined,undefined,undefined/);
    });
  } finally {
    await kernel.close();
  }
});

function displays(outputs: Message[]): Message[] {
  const failed = outputs.find((message) => message.type === "error");
  assert.equal(failed, undefined, JSON.stringify(failed?.content));
  return outputs.filter((message) => message.type.endsWith("display_data"));
}
