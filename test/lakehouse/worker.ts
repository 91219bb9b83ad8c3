/** A writer in a process of its own, for tests: `worker.ts ROOT WHAT FIRST COUNT`. Tells each commit by a byte. */
import {
  appendTo,
  closeLakehouse,
  deleteFrom,
  mergeInto,
  openLakehouse,
  optimize,
} from "clickstream/lakehouse";
import { rows } from "./support.ts";

const [root, what, first, count] = Deno.args as [string, string, string, string];
const lake = await openLakehouse(root, { threads: 1 });
for (let id = Number(first); id < Number(first) + Number(count); id++) {
  if (what === "append") await appendTo(lake, "t", rows([id, -id]));
  else if (what === "merge") await mergeInto(lake, "t", rows([0, id], `${id}`), { keys: ["id"] });
  else if (what === "delete") await deleteFrom(lake, "t", `id = -${id - Number(first) + 1}`);
  else await optimize(lake, "t");
  await Deno.stdout.write(new Uint8Array([46]));
}
await closeLakehouse(lake);
// Deno 2.8.0 can finalize objects of native modules twice when it ends by itself, and crash then.
Deno.exit(0);
