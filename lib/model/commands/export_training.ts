import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { homePaths, loadConfig, runCommand } from "clickstream/config";
import { ModelError } from "../errors.ts";
import { toJson, writeWhole } from "../registry/files.ts";
import { splitByCart } from "../split.ts";
import { readOptions, wholeNumber } from "./options.ts";

const USAGE = "deno task export:training -- [--out DIR] [--seed 1] [--shares 0.8,0.1,0.1]";

/** `deno task export:training`: writes our training rows split by cart, for any tool to train on. */
if (import.meta.main) {
  await runCommand(async (args) => {
    const text = { type: "string" } as const;
    const options = { out: text, seed: text, shares: text, help: { type: "boolean" } } as const;
    const given = readOptions(args, options, USAGE) as Record<string, string | undefined>;
    if (given.help) return console.log(USAGE);
    const config = loadConfig();
    const out = given.out ?? join(config.home, "training");
    const seed = wholeNumber("seed", given.seed ?? "1", 0);
    const shares = sharesOf(given.shares ?? "0.8,0.1,0.1");
    const { openLakehouse, closeLakehouse } = await import("clickstream/lakehouse");
    const { readLabelledRows } = await import("../training_rows.ts");
    const { default: pl } = await import("nodejs-polars");
    const lake = await openLakehouse(homePaths(config).lakehouse);
    try {
      const { history, cutoff, version } = await readLabelledRows(lake, { later: false });
      const { carts, ...parts } = await splitByCart(history, { seed, shares });
      await mkdir(out, { recursive: true });
      for (const [part, rows] of Object.entries(parts)) {
        rows.withColumns(pl.lit(part).alias("split")).writeParquet(join(out, `${part}.parquet`));
        console.log(`${part}: ${rows.height} rows -> ${join(out, `${part}.parquet`)}`);
      }
      const about = {
        label: "label",
        keys: ["user_id", "user_session", "product_id"],
        split: "split",
      };
      await writeWhole(
        join(out, "about.json"),
        toJson({ ...about, seed, shares, carts, cutoff, version }),
      );
    } finally {
      await closeLakehouse(lake);
    }
  });
}

/** Shares of training, validation and test carts; more test carts give narrower intervals. */
function sharesOf(text: string): [number, number, number] {
  const shares = text.split(",").map(Number);
  if (shares.length === 3 && shares.every((share) => share > 0 && share < 1)) {
    return shares as [number, number, number];
  }
  throw new ModelError(`--shares must be three numbers between 0 and 1; it is ${text}.`);
}
