import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Page } from "playwright-core";
import { seriousProblems } from "./axe.ts";
import { CHROMIUM, click, scored, scoreOf, visit, withOpenShop } from "./support.ts";

if (CHROMIUM === null) {
  console.log("The shop's page is not tested: no Chromium here. Install it, or set CHROMIUM_PATH.");
}
// The SDKs and the browser keep timers and sockets of their own.
const options = { ignore: CHROMIUM === null, sanitizeOps: false, sanitizeResources: false };

/** Set to a folder to keep pictures of the page, as docs/images has them. */
const PICTURES = process.env["SHOP_PICTURES"] ?? "";

Deno.test(
  "in the shop, clicks change the score, a purchase ends it, also past a broker's restart",
  options,
  async () => {
    await withOpenShop(async (shop) => {
      const page = await visit(shop);
      const product = await click(page, 0, "view");
      await scored(page, 1);
      const looked = await scoreOf(page, product);
      await click(page, 0, "cart");
      await scored(page, 2);
      const added = await scoreOf(page, product);
      assert.ok(parseFloat(added) > parseFloat(looked), `${looked}, then ${added}`);
      assert.ok(await page.locator(".offers button").count() > 0, "offers are shown");
      await noSeriousProblems(page);
      await picture(page, "shop_light");

      const other = await visit(shop, { dark: true, phone: true });
      const [theirs] = await Promise.all([click(other, 1, "view"), click(page, 2, "view")]);
      await Promise.all([scored(other, 1), scored(page, 3)]);
      assert.equal(await scoreOf(other, theirs), looked, "another visit begins anew");
      assert.equal(
        await other.locator("#events li").count(),
        1,
        "visits see only their own events",
      );
      await noSeriousProblems(other);
      await picture(other, "shop_dark_phone");

      await shop.restartBroker();
      await page.locator("#checkout").click();
      await scored(page, 4);
      assert.equal(await scoreOf(page, product), "already purchased");
      assert.match(await page.locator("#cart-empty").innerText(), /1 bought/);
      await withinASecond(page);
      await operations(page);
    });
  },
);

/** Of a few clicks: one may be slow on a machine that is busy with other tests. */
async function withinASecond(page: Page): Promise<void> {
  const texts = await page.locator("#events .latency").allInnerTexts();
  const millis = texts.map((text) => parseInt(text));
  assert.ok(Math.min(...millis) < 1000, `from click to score: ${texts.join(", ")}`);
}

async function operations(page: Page): Promise<void> {
  await page.locator("#tab-shop").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("#tab-operations").getAttribute("aria-selected"), "true");
  await page.locator("#check").click();
  await page.locator("#consistency tr").first().waitFor();
  assert.match(await page.locator("#consistency").innerText(), /online/);
  await noSeriousProblems(page);
  await picture(page, "shop_operations");
}

/** axe-core finds nothing serious or critical. */
async function noSeriousProblems(page: Page): Promise<void> {
  assert.deepEqual(await seriousProblems(page), []);
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === "") return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}
