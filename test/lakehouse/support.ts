import { join } from "node:path";
import { closeLakehouse, type Column, type Lakehouse, openLakehouse } from "clickstream/lakehouse";
import { withHome } from "../support.ts";

/** Columns of the tests' tables. */
export const columns: Column[] = [
  { name: "id", type: "long", nullable: false },
  { name: "name", type: "string" },
  { name: "moment", type: "timestamp" },
];

/** Runs `body` with a lakehouse in a folder of its own. */
export async function withLake(
  body: (lake: Lakehouse, root: string) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const root = join(home, "lakehouse");
    const lake = await openLakehouse(root, { threads: 1 });
    try {
      await body(lake, root);
    } finally {
      await closeLakehouse(lake);
    }
  });
}

/** Rows with these ids, all with one name. */
export function rows(ids: readonly (bigint | number)[], name: string | null = "a") {
  return {
    columns: {
      id: ids.map(BigInt),
      name: ids.map(() => name),
      moment: ids.map(() => 1_000_001),
    },
  };
}
