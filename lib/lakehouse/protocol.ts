import type { Protocol } from "./actions.ts";
import { UnsupportedTableError } from "./errors.ts";
import type { Field } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";

/** What new tables ask of readers and writers: nothing beyond what every Delta reader has. */
export const NEW_TABLE_PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

const READER_FEATURES = new Set(["timestampNtz", "vacuumProtocolCheck"]);
const WRITER_FEATURES = new Set([...READER_FEATURES, "appendOnly", "invariants"]);

/**
 * Makes sure that the table can be read here.
 *
 * @throws {UnsupportedTableError} names the version or the features that are missing
 */
export function checkReadable(table: string, protocol: Protocol): void {
  const { minReaderVersion: version, readerFeatures = [] } = protocol;
  const unknown = readerFeatures.filter((feature) => !READER_FEATURES.has(feature));
  if (unknown.length > 0) {
    throw new UnsupportedTableError(
      `Table ${table} uses the reader feature${unknown.length > 1 ? "s" : ""} ${
        unknown.join(", ")
      }, which this lakehouse does not have: read it with Spark or delta-rs, or write it again without.`,
    );
  }
  if (version !== 1 && version !== 3) {
    const what = version === 2 ? "2 (column mapping)" : String(version);
    throw new UnsupportedTableError(
      `Table ${table} asks for reader version ${what}; this lakehouse has version 1: read it with Spark or delta-rs.`,
    );
  }
}

/**
 * Makes sure that the table can be written here.
 *
 * @param changesRows whether rows that are there already change or go
 * @throws {UnsupportedTableError} names what is missing, or that the table only takes appends
 */
export function checkWritable(snapshot: Snapshot, changesRows: boolean): void {
  const { table, protocol } = snapshot;
  const features = protocol.writerFeatures ?? [];
  const unknown = features.filter((feature) => !WRITER_FEATURES.has(feature));
  if (unknown.length > 0) {
    throw new UnsupportedTableError(
      `Table ${table} uses the writer feature${unknown.length > 1 ? "s" : ""} ${
        unknown.join(", ")
      }, which this lakehouse does not have: write it with Spark or delta-rs.`,
    );
  }
  if (protocol.minWriterVersion > 2 && protocol.minWriterVersion !== 7) {
    throw new UnsupportedTableError(
      `Table ${table} asks for writer version ${protocol.minWriterVersion}; this lakehouse has version 2: write it with Spark or delta-rs.`,
    );
  }
  const invariant = snapshot.fields.find((field: Field) => "delta.invariants" in field.metadata);
  if (invariant !== undefined) {
    throw new UnsupportedTableError(
      `Table ${table} has an invariant on column ${invariant.name}, which this lakehouse cannot check: write it with Spark.`,
    );
  }
  if (changesRows && snapshot.properties["delta.appendOnly"] === "true") {
    throw new UnsupportedTableError(
      `Table ${table} only takes appends (property delta.appendOnly): set the property to false first.`,
    );
  }
}
