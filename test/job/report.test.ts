import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { loadConfig } from "clickstream/config";
import { PLOTLY_MIME } from "../../lib/job/report/interactive.ts";
import { secretMask } from "../../lib/job/run/mod.ts";
import { withHome } from "../support.ts";
import { jobOf, ranMe } from "./support.ts";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const show = (data: Record<string, unknown>) =>
  `await Deno.jupyter.broadcast("display_data", { data: ${
    JSON.stringify(data)
  }, metadata: {}, transient: {} }); undefined`;

Deno.test("the report holds charts, tables and times, and nothing from outside", async () => {
  await withHome(async (home) => {
    const job = await jobOf(home, [{
      key: "1a_one",
      cells: [
        { source: "# 1a · A <story>\n\nwords", markdown: true },
        "// Chart the funnel\n" + show({ "image/png": PIXEL, "text/plain": "Few <buy>" }),
        "// Table\n" +
        show({ "text/html": "<table><tr><td>kept</td></tr></table>", "text/plain": "t" }),
        "// Bad\n" + show({ "text/html": '<table onload="x()"></table><script>alert(1)</script>' }),
      ],
    }]);
    const { folder } = await ranMe(home, job);
    const report = Deno.readTextFileSync(join(folder, "report.html"));
    assert.match(
      report,
      new RegExp(`<img alt="Few &lt;buy&gt;" src="data:image/png;base64,${PIXEL.slice(0, 40)}`),
    );
    assert.match(report, /<td>kept<\/td>/);
    assert.match(report, /A &lt;story&gt;/);
    assert.match(report, /<figcaption>Chart the funnel<\/figcaption>/);
    assert.match(report, /Where the time went[\s\S]*1a_one, cell 2/);
    assert.match(report, /<svg\s+role="img"\s+aria-label="Tasks over time/);
    assert.doesNotMatch(report, /<script|alert\(1\)|https?:\/\/|onload/);
  });
});

Deno.test("charts can be explored: one packed copy of plotly.js, whatever the number of charts", async () => {
  await withHome(async (home) => {
    const figure = { data: [{ x: ["</script>"] }], layout: {} };
    const cell = "// Chart\n" + show({ "image/png": PIXEL, [PLOTLY_MIME]: figure });
    const { folder } = await ranMe(home, await jobOf(home, [{ key: "a", cells: [cell, cell] }]));
    const report = Deno.readTextFileSync(join(folder, "report.html"));
    assert.equal(report.match(/<script type="application\/json" class="figure">/g)?.length, 2);
    assert.match(report, /"x":\["\\u003c\/script>"\]/);
    const [, packed] = /<script type="text\/plain" id="plotly">([^<]+)</.exec(report)!;
    assert.match(gunzipSync(Buffer.from(packed!, "base64")).toString(), /plotly\.js v3\.1\.0/);
    assert.equal(report.match(/id="plotly"/g)?.length, 1);
  });
});

Deno.test("secrets of the settings and of the local services reach neither copy nor report", async () => {
  await withHome(async (home) => {
    const key = "bG9jYWwta2V5LW9mLXRoaXMtbWFjaGluZQ==";
    Deno.writeTextFileSync(
      join(home, "services.json"),
      JSON.stringify({ cosmos: { endpoint: "http://127.0.0.1:1", writeKey: key } }),
    );
    const cell = `const { cosmos } = JSON.parse(Deno.readTextFileSync("${home}/services.json"));
console.log(cosmos.writeKey);
Promise.reject(new Error(cosmos.writeKey));`;
    const job = await jobOf(home, [{ key: "a", cells: [cell] }]);
    const { folder, text } = await ranMe(home, job);
    const kept = ["a.ipynb", "report.html", "job.json"].map((name) =>
      Deno.readTextFileSync(join(folder, name))
    );
    for (const where of [text, ...kept]) assert.ok(!where.includes(key), where.slice(0, 2000));
    assert.match(kept[0]!, /\*\*\*/);
  });
});

Deno.test("a mask knows keys inside connection strings", () => {
  const config = loadConfig({
    EVENT_HUBS_CONNECTION_STRING:
      "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=abcdefgh12345678=;EntityPath=hub",
    SERVING_TOKEN: "a-long-token",
  });
  const mask = secretMask(config);
  assert.equal(mask("key abcdefgh12345678= and a-long-token"), "key *** and ***");
  assert.equal(mask("Endpoint=sb://x/"), "Endpoint=sb://x/");
});
