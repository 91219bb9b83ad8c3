import { fileURLToPath } from "node:url";
import { type Row, whole } from "./report.ts";

const SCRIPT = fileURLToPath(new URL("./state_process.ts", import.meta.url));

interface StateFigures {
  carts: number;
  opened: number;
  counted: number;
  megabytes: number;
}

/** Five million carts in the query's keyed state, and in a Map of objects, each in a process. */
export async function measureState(carts = 5_000_000): Promise<Row[]> {
  const ours = await run("columns", carts);
  const naive = await run("objects", carts);
  const row = (what: string, { opened, counted, megabytes }: StateFigures, target: string) => [
    {
      what: `${whole(carts)} carts in ${what}: memory of the process`,
      measured: `${whole(megabytes)} MiB`,
      target: target && "2,048 MiB",
    },
    {
      what: `${what}: events/s that open a cart; on open carts`,
      measured: `${whole(opened)}; ${whole(counted)}`,
      target: target && "200,000",
    },
  ];
  return [
    ...row("our state", ours, "yes"),
    ...row("a Map of objects", naive, "").map((r) => ({ ...r, target: "-" })),
  ];
}

async function run(kind: string, carts: number): Promise<StateFigures> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--v8-flags=--max-old-space-size=12000", SCRIPT, kind, String(carts)],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`the state of ${kind} did not end`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
