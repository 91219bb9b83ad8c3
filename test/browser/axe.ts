import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

/** What axe-core finds on a page that is serious or critical, with the elements it is about. */
export async function seriousProblems(page: Page): Promise<string[]> {
  const source = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await page.evaluate(await readFile(source, "utf8"));
  return await page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any
    const { violations } = await (globalThis as any).axe.run();
    // deno-lint-ignore no-explicit-any
    return violations.filter((v: any) => ["serious", "critical"].includes(v.impact))
      // deno-lint-ignore no-explicit-any
      .map((v: any) => `${v.id}: ${v.nodes.map((node: any) => node.html).join(" ")}`);
  });
}
