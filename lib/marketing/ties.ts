import { records } from "clickstream/lakehouse";
import { TieError } from "./errors.ts";
import type { Pipeline } from "./pipeline.ts";

/** Counts over all tables that must tie. */
export interface Ties {
  hits: number;
  sales: number;
  rejected: number;
  sessions: number;
  mapped: number;
  unmapped: number;
}

/**
 * Counts all tables, and asserts that nothing is lost and nothing doubled: hits in raw and
 * processed, in sessions; sales in raw and processed, mapped or unmapped; a row a session; what the
 * journal says of files.
 *
 * @throws {TieError} names the counts that differ
 */
export async function assertTies(pipeline: Pipeline): Promise<Ties> {
  const { lake } = pipeline;
  const [row] = await records(lake, TIES);
  const n = Object.fromEntries(Object.entries(row!).map(([name, value]) => [name, Number(value)]));
  const files = { omniture: 0, sales: 0, rejected: 0 };
  for (const file of pipeline.journal.files()) {
    files[file.kind === "sales" ? "sales" : "omniture"] += file.rows;
    files.rejected += file.rejected;
  }
  const pairs: [string, number, number][] = [
    ["hits in files and in raw", files.omniture, n.raw_hits!],
    ["hits in raw and processed", n.raw_hits!, n.hits!],
    ["hits in processed and in sessions", n.hits!, n.session_hits!],
    ["sessions and their ids", n.sessions!, n.session_ids!],
    ["sessions and mapped sessions", n.sessions!, n.mapped_sessions!],
    ["sales in files and in raw", files.sales, n.raw_sales!],
    ["sales in raw and processed", n.raw_sales!, n.sales!],
    ["sales, mapped or not", n.sales!, n.mapped! + n.unmapped!],
    ["mapped sales and their lines", n.mapped!, n.mapped_lines!],
    ["rejects in files and table", files.rejected, n.rejected!],
  ];
  const broken = pairs.filter(([, a, b]) => a !== b).map(([name, a, b]) => `${name}: ${a}, ${b}`);
  if (broken.length > 0) throw new TieError(`Counts do not tie: ${broken.join("; ")}.`);
  return {
    hits: n.hits!,
    sales: n.sales!,
    rejected: n.rejected!,
    sessions: n.sessions!,
    mapped: n.mapped!,
    unmapped: n.unmapped!,
  };
}

const TIES = `
  SELECT (SELECT count(*) FROM raw.omniturelogs) AS raw_hits,
    (SELECT count(*) FROM processed.omniture) AS hits,
    (SELECT coalesce(sum(hits), 0) FROM warehouse.sessions) AS session_hits,
    (SELECT count(*) FROM warehouse.sessions) AS sessions,
    (SELECT count(DISTINCT sessionid) FROM warehouse.sessions) AS session_ids,
    (SELECT count(DISTINCT sessionid) FROM warehouse.session_mapped) AS mapped_sessions,
    (SELECT count(*) FROM raw.sales) AS raw_sales,
    (SELECT count(*) FROM processed.sales) AS sales,
    (SELECT count("InvoiceNo") FROM warehouse.session_mapped) AS mapped,
    (SELECT count(DISTINCT (sale_source_file, sale_line)) FROM warehouse.session_mapped
      WHERE "InvoiceNo" IS NOT NULL) AS mapped_lines,
    (SELECT count(*) FROM warehouse.unmapped_sales) AS unmapped,
    (SELECT count(*) FROM raw.rejects WHERE line IS NOT NULL) AS rejected`;
