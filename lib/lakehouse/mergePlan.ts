import type { AddFile } from "./actions.ts";
import { SchemaError } from "./errors.ts";
import { explainFailure } from "./failure.ts";
import type { Lakehouse } from "./lake.ts";
import { locateFile, relationSql } from "./relation.ts";
import { columnsAfter } from "./rewrite.ts";
import { quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import type { OpenSource } from "./source.ts";
import { statsOf } from "./stats.ts";
import { tooManySmall } from "./tiers.ts";
import { conform } from "./write.ts";

/** What a merge does with rows; SQL refers to the two sides as `target` and `source`. */
export interface MergeClauses {
  /** For a source row whose key is in the table. @default { update: "all" } */
  whenMatched?: {
    /** Replace all columns, or set some to SQL values. @default the row stays as it is */
    update?: "all" | Record<string, string>;
    /** Update only where this is true. @default everywhere */
    condition?: string;
    /** Delete the row where this is true, rather than update it. @default nowhere */
    delete?: string;
  };
  /** For a source row whose key is not in the table. @default "insert" */
  whenNotMatched?: "insert" | "ignore";
}

/** Files to take out, and relations whose rows are to be written. */
export interface MergePlan {
  touched: AddFile[];
  relations: string[];
}

/** What a plan is made from. */
export interface MergeInput {
  /** Temporary table with the source's rows. */
  rows: string;
  /** Name of a temporary table that the plan makes: the keys that both sides have. */
  matched: string;
  /** Files that can hold one of the keys. */
  candidates: AddFile[];
  options: MergeClauses & { keys: readonly string[] };
}

/** With fewer rows, a file is written anew together with what is inserted. */
const FEW_ROWS = 16_384;

/** Finds the files that a merge changes and says in SQL what takes their place. */
export async function planMerge(
  lake: Lakehouse,
  open: OpenSource,
  snapshot: Snapshot,
  input: MergeInput,
): Promise<MergePlan> {
  const { rows, options } = input;
  const clauses = clausesOf(snapshot, options);
  const changed = await filesWithChanges(lake, open, snapshot, input, clauses.affects);
  const inserted = clauses.inserts ? insertedRows(open, snapshot, input) : undefined;
  const size = inserted === undefined ? 0 : await count(open, inserted);
  const extra = size === 0 ? [] : tooManySmall(snapshot, new Set(changed), size);
  const touched = [...changed, ...extra];
  const kept = (files: AddFile[]) =>
    `(SELECT ${clauses.columns} FROM ${relationSql(lake, snapshot, { files })} AS target
      LEFT JOIN (SELECT *, true AS __matched FROM temp.${rows}) AS source
        ON ${joinOn(options.keys)}
      WHERE ${clauses.keeps})`;
  const isSmall = (file: AddFile) => (statsOf(file).numRecords ?? Infinity) < FEW_ROWS;
  const small = touched.filter(isSmall);
  const large = touched.filter((file) => !isSmall(file));
  const together = [
    ...(small.length > 0 ? [`SELECT * FROM ${kept(small)}`] : []),
    ...(size > 0 ? [`SELECT * FROM ${inserted}`] : []),
  ];
  return {
    touched,
    relations: [
      ...(large.length > 0 ? [kept(large)] : []),
      ...(together.length > 0 ? [`(${together.join(" UNION ALL ")})`] : []),
    ],
  };
}

interface Clauses {
  /** Select list of a row of a touched file after the merge. */
  columns: string;
  /** Condition of a row to stay. */
  keeps: string;
  /** Condition of a matched row to change or go. */
  affects: string;
  inserts: boolean;
}

function clausesOf(snapshot: Snapshot, options: MergeInput["options"]): Clauses {
  const { update, condition, delete: remove } = options.whenMatched ?? { update: "all" };
  if (condition !== undefined && update === undefined) {
    throw new SchemaError(
      `Table ${snapshot.table}: a merge's condition needs an update to which it applies.`,
    );
  }
  const updates = `coalesce(source.__matched${
    condition === undefined ? "" : ` AND (${condition}\n)`
  }, false)`;
  const set = update === "all"
    ? Object.fromEntries(snapshot.fields.map(({ name }) => [name, `source.${quoteName(name)}`]))
    : update ?? {};
  return {
    columns: columnsAfter(snapshot, set, { when: updates, of: "target" }),
    keeps: remove === undefined
      ? "true"
      : `NOT coalesce(source.__matched AND (${remove}\n), false)`,
    affects: [
      ...(update === undefined ? [] : [condition ?? "true"]),
      ...(remove === undefined ? [] : [remove]),
    ].map((sql) => `(${sql}\n)`).join(" OR ") || "false",
    inserts: options.whenNotMatched !== "ignore",
  };
}

function joinOn(keys: readonly string[]): string {
  return keys.map((key) => `target.${quoteName(key)} = source.${quoteName(key)}`).join(" AND ");
}

/** Finds the keys that both sides have, reading the table once, and the files that change. */
async function filesWithChanges(
  lake: Lakehouse,
  open: OpenSource,
  snapshot: Snapshot,
  { rows, matched, candidates, options }: MergeInput,
  affects: string,
): Promise<AddFile[]> {
  const simple = affects === "(true\n)" || affects === "false";
  const relation = relationSql(lake, snapshot, {
    files: candidates,
    fileColumn: "__file",
    ...(simple ? { columns: options.keys } : {}),
  });
  const names = options.keys.map((key) => `source.${quoteName(key)}`).join(", ");
  const { connection } = open.session;
  try {
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${matched} AS
       SELECT __file, coalesce(${affects}, false) AS __affected, ${names}
       FROM ${relation} AS target JOIN temp.${rows} AS source ON ${joinOn(options.keys)}`,
    );
  } catch (cause) {
    throw explainFailure(`Table ${snapshot.table}`, cause);
  }
  const result = await connection.runAndReadAll(
    `SELECT DISTINCT __file FROM temp.${matched} WHERE __affected`,
  );
  const touched = new Set(result.getRows().map(([file]) => String(file)));
  return candidates.filter((file) => touched.has(locateFile(lake, snapshot, file)));
}

/** The source's rows whose keys no file has. */
function insertedRows(
  open: OpenSource,
  snapshot: Snapshot,
  { rows, matched, options }: MergeInput,
): string {
  const names = options.keys.map(quoteName).join(", ");
  const relation = `(SELECT * FROM temp.${rows} ANTI JOIN temp.${matched} USING (${names}))`;
  const types = typeof options.whenMatched?.update === "object"
    ? new Map([...open.types].filter(([name]) => has(snapshot, name)))
    : new Map(snapshot.fields.map((field) => [field.name, ""]));
  return conform({ relation, types }, snapshot);
}

function has(snapshot: Snapshot, name: string): boolean {
  return snapshot.fields.some((field) => field.name.toLowerCase() === name.toLowerCase());
}

async function count(open: OpenSource, relation: string): Promise<number> {
  const result = await open.session.connection.runAndReadAll(`SELECT count(*) FROM ${relation}`);
  return Number(result.getRows()[0]![0]);
}
