/** The two sides of run_delta.sh, and how what they see is compared. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Lakehouse, records, snapshot, tableAt } from "clickstream/lakehouse";

type Row = Record<string, string | number | boolean | null>;
/** Python with delta-rs. Integers of 64 bits stay exact on the way. */
export interface Python {
  ask(request: Record<string, unknown>): Promise<Record<string, unknown>>;
  end(): Promise<void>;
}

/** Starts delta.py, which answers one request at a time. */
export function startPython(python: string): Python {
  const script = join(import.meta.dirname!, "delta.py");
  const child = new Deno.Command(python, { args: [script], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  const line = async () => {
    while (!rest.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("Python ended.");
      rest += value;
    }
    const end = rest.indexOf("\n");
    const text = rest.slice(0, end);
    rest = rest.slice(end + 1);
    return text;
  };
  return {
    ask: async (request) => {
      await writer.write(new TextEncoder().encode(exactText(request) + "\n"));
      const answer = JSON.parse(await line(), exactValue) as Record<string, unknown>;
      if (answer.error !== undefined) throw new Error(`${request.do}: ${answer.error}`);
      return answer;
    },
    end: async () => {
      await writer.close();
      await reader.cancel();
      await child.status;
    },
  };
}

function exactText(value: unknown): string {
  const raw = JSON as unknown as { rawJSON(text: string): unknown };
  return JSON.stringify(value, (_key, v) => typeof v === "bigint" ? raw.rawJSON(`${v}`) : v);
}

function exactValue(_key: string, value: unknown, context?: { source: string }): unknown {
  const exact = typeof value !== "number" || Number.isSafeInteger(value);
  return exact || !/^-?\d+$/.test(context?.source ?? "") ? value : BigInt(context!.source);
}

/** Select list of the columns that most tables here have. */
export const shown = `id, text, price, paid, epoch_us(moment) as moment, day::varchar as day,
  amount::varchar as amount, small::varchar as small`;

/** Rows on both sides in one form. */
function normal(rows: readonly Row[]): string[] {
  return rows.map((row) => {
    const plain = Object.entries(row).map(([name, value]) => {
      if (name === "moment" && typeof value === "string") return [name, microseconds(value)];
      if (typeof value === "bigint" || typeof value === "number") return [name, String(value)];
      return [name, value];
    });
    return JSON.stringify(Object.fromEntries(plain.sort()));
  });
}

function microseconds(text: string): string {
  const [, whole, fraction = ""] = /^([^.+]+)(?:\.(\d+))?\+00:00$/.exec(text)!;
  return String(BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.padEnd(6, "0")));
}

/** A lakehouse and a Python, over one folder. */
export interface Sides {
  lake: Lakehouse;
  python: Python;
  root: string;
}

/** Both sides must show the same rows of the newest version and of the one before it. */
export async function compare(
  { lake, python, root }: Sides,
  table: string,
  step: string,
  { select = shown, older = true } = {},
): Promise<void> {
  const path = join(root, "clickstream", table);
  const { version, files } = await snapshot(lake, table);
  for (const wanted of older && version > 0 ? [version, version - 1] : [version]) {
    const theirs = await python.ask({ do: "rows", path, version: wanted });
    const relation = await tableAt(lake, table, { version: wanted });
    const ours = await records(lake, `select ${select} from ${relation} order by id`);
    assert.deepEqual(normal(theirs.rows as Row[]), normal(ours as Row[]), `${step}, v${wanted}`);
    assert.equal(theirs.version, wanted, step);
  }
  console.log(`${table} v${version}, ${files.size} files: same rows after ${step}`);
}
