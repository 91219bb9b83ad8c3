import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { jobOf, ranMe, writeImportMap } from "../job/support.ts";
import { withHome } from "../support.ts";
import { CHROMIUM } from "./support.ts";

if (CHROMIUM === null) {
  console.log(
    "The report's page is not tested: no Chromium here. Install it, or set CHROMIUM_PATH.",
  );
}
const options = { ignore: CHROMIUM === null, sanitizeOps: false, sanitizeResources: false };

const LOOKS = [
  { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { colorScheme: "dark", viewport: { width: 420, height: 900 } },
] as const;

const CELLS = [
  { source: "# 1a · A story", markdown: true },
  `// Chart the funnel
import { chart, table } from "clickstream/display";
await chart({ data: [{ type: "bar", x: ["view", "cart"], y: [7, 1] }], layout: { title: "One in seven" } });
await table([{ user_id: 1, "a long heading of a column": "a long text in a cell of the table, and more" }]);`,
  `// Check
import { loadConfig } from "clickstream/config";
import { conclude } from "clickstream/job";
await conclude(loadConfig(), "1a_story", {
  checks: [{ name: "sent = bronze", ok: true, detail: "7 = 7" }],
  figures: { sent: 7 },
  tables: [{ title: "Model card", rows: [{ what: "rows", value: 7 }] }],
  warnings: ["Few purchases were seen."],
});`,
  '// Fail\nthrow new Error("as it should")',
];

Deno.test(
  "the report opens from disk without a network, and anybody can read it",
  options,
  async () => {
    await withHome(async (home) => {
      writeImportMap(home);
      const job = await jobOf(home, [
        { key: "1a_story", cells: CELLS },
        { key: "1b_never", after: ["1a_story"], cells: ["1"] },
      ]);
      const { folder } = await ranMe(home, job);
      const address = pathToFileURL(join(folder, "report.html")).href;
      const browser = await chromium.launch({
        executablePath: CHROMIUM!,
        args: ["--no-sandbox", "--disable-dev-shm-usage"],
      });
      try {
        for (const look of LOOKS) await reads(browser, look, address);
      } finally {
        await browser.close();
      }
    });
  },
);

async function reads(browser: Browser, look: typeof LOOKS[number], address: string) {
  const context = await browser.newContext({ ...look, offline: true });
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    if (!/^(?:file|data|blob):/.test(request.url())) wrong.push(request.url());
  });
  await page.goto(address);
  await noProblems(page);
  const wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
  assert.equal(wide, false, "the page is wider than the window");
  await page.locator("nav a", { hasText: "Checks (1 of 1 hold)" }).click();
  assert.match(page.url(), /#checks$/);
  await page.locator("figure > button").first().click();
  await page.locator("figure .main-svg").first().waitFor();
  assert.equal(await page.locator("figure > button").count(), 0);
  await noProblems(page);
  assert.deepEqual(wrong, []);
  await context.close();
}

/** What axe-core finds: nothing at all. */
async function noProblems(page: Page): Promise<void> {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await page.evaluate(readFileSync(axe, "utf8"));
  const found = await page.evaluate(
    `axe.run({ exclude: [[".js-plotly-plot"]] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ": " + nodes[0].html))`,
  );
  assert.deepEqual(found, []);
}
