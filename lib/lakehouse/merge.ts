import type { AddFile } from "./actions.ts";
import { exchange, transact, type WriteOptions } from "./commit.ts";
import { DuplicateKeyError, SchemaError } from "./errors.ts";
import { schemaActions, widenedBy } from "./evolve.ts";
import type { Lakehouse } from "./lake.ts";
import { existing, latestSnapshot } from "./log.ts";
import { type MergeClauses, type MergePlan, planMerge } from "./mergePlan.ts";
import { mayMatch } from "./predicate.ts";
import { quoteName } from "./schema.ts";
import { keysCondition } from "./skipping.ts";
import { type OpenSource, type Source, temporaryName, withSource } from "./source.ts";
import { conform, writeFiles } from "./write.ts";
import { prepareViews } from "./views.ts";

/** How {@link mergeInto} matches rows, and what it does with them. */
export interface MergeOptions extends WriteOptions, MergeClauses {
  /** Columns that identify a row; the source has each key once. */
  keys: readonly string[];
  /** Add the source's further columns to the table instead of refusing them. @default false */
  mergeSchema?: boolean;
}

/**
 * Merges rows by key: by default a row whose key is there is replaced, others are inserted. Only
 * files that can hold one of the keys are looked at, and only those that do are rewritten, along
 * with small ones when there are many of these.
 *
 * @returns the version after it
 * @throws {DuplicateKeyError} when the source has a key twice
 * @throws {SchemaError} when the source does not fit the table, or a key is null
 * @throws {ConflictError} when other writers keep changing what it read
 */
export async function mergeInto(
  lake: Lakehouse,
  table: string,
  source: Source,
  options: MergeOptions,
): Promise<number> {
  const shape = await latestSnapshot(lake, table);
  return await withSource(lake, source, shape.fields, async (open) => {
    const rows = temporaryName("merge");
    const matched = temporaryName("matched");
    const { connection } = open.session;
    const types: ReadonlyMap<string, string> = options.mergeSchema ? open.types : new Map();
    const fields = widenedBy(shape.fields, types);
    const { update } = options.whenMatched ?? {};
    // New values written as SQL may use columns of the source that the table does not have.
    const relation = typeof update === "object"
      ? open.relation
      : conform(open, { ...shape, fields });
    await connection.run(`CREATE TEMP TABLE ${rows} AS SELECT * FROM ${relation}`);
    try {
      await checkKeys(open, rows, shape.table, options.keys);
      await prepareViews(lake, open.session, clauseTexts(options));
      const condition = await keysCondition(open.session, fields, rows, options.keys);
      return await transact(lake, table, async (found) => {
        const snapshot = existing(table, found);
        const wide = { ...snapshot, fields: widenedBy(snapshot.fields, types) };
        const mayHoldKeys = (file: AddFile) =>
          condition !== null && mayMatch(snapshot, file, condition);
        const candidates = [...snapshot.files.values()].filter(mayHoldKeys);
        const plan = await planMerge(lake, open, wide, { rows, matched, candidates, options });
        const written = await writePlanned(lake, open, wide, plan);
        return exchange(
          {
            operation: "MERGE",
            parameters: { predicate: options.keys.join(", ") },
            head: schemaActions(snapshot, wide.fields),
            removed: plan.touched,
            added: written,
            reads: mayHoldKeys,
          },
          snapshot,
          options,
        );
      });
    } finally {
      await connection.run(`DROP TABLE temp.${rows}; DROP TABLE IF EXISTS temp.${matched}`);
    }
  });
}

function clauseTexts({ whenMatched = {} }: MergeClauses): string {
  const { update, condition, delete: remove } = whenMatched;
  const values = typeof update === "object" ? Object.values(update) : [];
  return [condition, remove, ...values].filter((text) => text !== undefined).join(" ");
}

async function writePlanned(
  lake: Lakehouse,
  open: OpenSource,
  shape: Parameters<typeof writeFiles>[2],
  plan: MergePlan,
): Promise<AddFile[]> {
  const written: AddFile[] = [];
  for (const relation of plan.relations) {
    written.push(...await writeFiles(lake, open, shape, relation));
  }
  return written;
}

async function checkKeys(
  open: OpenSource,
  rows: string,
  table: string,
  keys: readonly string[],
): Promise<void> {
  const names = keys.map(quoteName).join(", ");
  const result = await open.session.connection.runAndReadAll(
    `SELECT count(*) FILTER (${keys.map((k) => `${quoteName(k)} IS NULL`).join(" OR ")}),
      count(*) - count(DISTINCT (${names})) FROM temp.${rows}`,
  );
  const [nulls, repeated] = result.getRows()[0]!.map(Number);
  if (nulls! > 0) {
    throw new SchemaError(`Table ${table}: ${nulls} rows of the merge source have a null key.`);
  }
  if (repeated! > 0) {
    throw new DuplicateKeyError(
      `Table ${table}: the merge source has ${repeated} rows whose key (${
        keys.join(", ")
      }) is there already: keep one row a key.`,
    );
  }
}
