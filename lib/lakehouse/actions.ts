/** The actions of a Delta log, in the protocol's own words. */

/** Which readers and writers a table needs. */
export interface Protocol {
  minReaderVersion: number;
  minWriterVersion: number;
  readerFeatures?: string[];
  writerFeatures?: string[];
}

/** A table's identity, schema and properties. */
export interface MetaData {
  id: string;
  name?: string;
  description?: string;
  format: { provider: string; options: Record<string, string> };
  /** The schema as JSON text: see {@link parseSchema}. */
  schemaString: string;
  partitionColumns: string[];
  configuration: Record<string, string>;
  /** Milliseconds since the epoch. */
  createdTime?: number;
}

/** One data file becomes part of the table. */
export interface AddFile {
  /** Relative to the table's folder, URI-encoded. */
  path: string;
  /** Serialised values of the partition columns; null stands for a null. */
  partitionValues: Record<string, string | null>;
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  modificationTime: number;
  /** False when the commit only rearranges rows. */
  dataChange: boolean;
  /** Statistics as JSON text: see {@link statsOf}. */
  stats?: string;
  tags?: Record<string, string>;
}

/** One data file is no longer part of the table. */
export interface RemoveFile {
  path: string;
  /** Milliseconds since the epoch. */
  deletionTimestamp?: number;
  dataChange: boolean;
  extendedFileMetadata?: boolean;
  partitionValues?: Record<string, string | null>;
  size?: number;
}

/** How far an application's transactions have come. */
export interface Transaction {
  /** Names the application, or a part of it such as `query/partition`. */
  appId: string;
  /** The application's own, growing number. */
  version: number;
  /** Milliseconds since the epoch. */
  lastUpdated?: number;
}

/** What a commit did, for people. */
export interface CommitInfo {
  /** Milliseconds since the epoch. */
  timestamp?: number;
  operation?: string;
  operationParameters?: Record<string, unknown>;
  operationMetrics?: Record<string, string>;
  readVersion?: number;
  isBlindAppend?: boolean;
  engineInfo?: string;
  [other: string]: unknown;
}

/** One line of a log entry: exactly one of the fields is set. */
export interface Action {
  protocol?: Protocol;
  metaData?: MetaData;
  add?: AddFile;
  remove?: RemoveFile;
  txn?: Transaction;
  commitInfo?: CommitInfo;
}
