import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { dirname, join } from "node:path";
import { localStorage } from "./localStorage.ts";
import { DEFAULT_DATABASE } from "./names.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Storage, StoredFile } from "./storage.ts";

/** How a lakehouse is opened. */
export interface LakehouseOptions {
  /** Memory that queries may use before they spill to disk, such as `4GB`. @default DuckDB's, 80 % of the machine's */
  memoryLimit?: string;
  /** Threads that queries may use. @default one a core */
  threads?: number;
  /** Where tables are kept. @default files below the root */
  storage?: Storage;
  /**
   * Whether a commit is only reported once its data and log survive a power cut.
   * @default true
   */
  durable?: boolean;
}

/** An open lakehouse: the tables below one folder and the SQL engine over them. */
export interface Lakehouse {
  root: string;
  storage: Storage;
  durable: boolean;
  /** Folder for what queries spill and for frames on their way in and out. */
  scratch: string;
  instance: DuckDBInstance;
  /** Makes a further connection, for anything else than the tables; close it yourself. */
  connect(): Promise<DuckDBConnection>;
  /** The connection of {@link execute} and of queries that use what it made. */
  main: Session;
  /** Connections at rest. */
  idle: Session[];
  /** What is known of each table's log, by folder. */
  logs: Map<string, TableLog>;
  /** Sessions of connections that {@link Lakehouse.connect} gave out. */
  given: WeakMap<DuckDBConnection, Session>;
  /** Work that goes on after the call that began it has returned: checkpoints. */
  background: Set<Promise<unknown>>;
}

/** A connection with a namespace of its own, in which table names become views. */
export interface Session {
  connection: DuckDBConnection;
  /** The relation that each view stands for now, by `database.name`. */
  views: Map<string, string>;
  /** Databases that the namespace has. */
  databases: Set<string>;
  /** Ends when whoever uses the session is done. */
  busy: Promise<unknown>;
  /** Names of temporary tables, views and macros made through it by people. */
  localNames: Set<string>;
}

/** What is known of one table's log. */
export interface TableLog {
  snapshot: Snapshot | null;
  /** The newest entry as it was when it was read: tells a log that was replaced. */
  entry: StoredFile | null;
  refreshing: Promise<unknown>;
  committing: Promise<unknown>;
  /** The checkpoint being written in the background. */
  checkpointing: Promise<unknown> | null;
  /** When the log was last cleaned up by this handle, in milliseconds since the epoch. */
  cleaned: number;
}

/**
 * Opens the lakehouse below `root`. Several may be open over one folder, in one process or many.
 *
 * @param root folder of the databases; made when absent
 */
export async function openLakehouse(
  root: string,
  options: LakehouseOptions = {},
): Promise<Lakehouse> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const scratch = join(dirname(root), "tmp", `lakehouse-${Deno.pid}-${crypto.randomUUID()}`);
  await Deno.mkdir(root, { recursive: true });
  await Deno.mkdir(scratch, { recursive: true });
  const instance = await DuckDBInstance.create(":memory:", {
    temp_directory: scratch,
    ...(options.memoryLimit === undefined ? {} : { memory_limit: options.memoryLimit }),
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
  });
  const given = new WeakMap<DuckDBConnection, Session>();
  return {
    root,
    storage: options.storage ?? localStorage(root),
    durable: options.durable ?? true,
    scratch,
    instance,
    connect: async () => {
      const session = await openSession(instance);
      given.set(session.connection, session);
      return session.connection;
    },
    main: await openSession(instance),
    idle: [],
    logs: new Map(),
    given,
    background: new Set(),
  };
}

/** Waits for work in the background, closes every connection and removes the scratch folder. */
export async function closeLakehouse(lake: Lakehouse): Promise<void> {
  while (lake.background.size > 0) await Promise.allSettled(lake.background);
  await lake.main.busy.catch(() => {});
  for (const session of [lake.main, ...lake.idle]) session.connection.closeSync();
  lake.idle.length = 0;
  lake.instance.closeSync();
  await Deno.remove(lake.scratch, { recursive: true }).catch(() => {});
}

let namespaces = 0;

async function openSession(instance: DuckDBInstance): Promise<Session> {
  const connection = await instance.connect();
  const catalog = `session_${++namespaces}`;
  await connection.run(`SET TimeZone = 'UTC'; ATTACH ':memory:' AS ${catalog}`);
  await connection.run(`CREATE SCHEMA ${catalog}.${DEFAULT_DATABASE}`);
  await connection.run(`USE ${catalog}.${DEFAULT_DATABASE}`);
  return {
    connection,
    views: new Map(),
    databases: new Set([DEFAULT_DATABASE]),
    busy: Promise.resolve(),
    localNames: new Set(),
  };
}

/** Runs `work` with a connection that nobody else uses meanwhile. */
export async function withSession<T>(
  lake: Lakehouse,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = lake.idle.pop() ?? await openSession(lake.instance);
  try {
    return await work(session);
  } finally {
    lake.idle.push(session);
  }
}

/** Runs `work` with this session as soon as those before it are done. */
export async function useSession<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const turn = session.busy.then(work, work);
  session.busy = turn.catch(() => {});
  return await turn;
}
