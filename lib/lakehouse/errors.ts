import { ClickstreamError } from "clickstream/config";

/** A table, its log or an operation on it is not as it must be. Base of the lakehouse's errors. */
export class DeltaError extends ClickstreamError {}

/** Rows or columns do not fit the table's schema, or a type is not one the lakehouse knows. */
export class SchemaError extends DeltaError {}

/** A table's log or data is damaged: an entry is missing, unreadable or contradicts another. */
export class CorruptTableError extends DeltaError {}

/** A table asks for a protocol version or a table feature that the lakehouse does not have. */
export class UnsupportedTableError extends DeltaError {}

/** Other writers kept changing what an operation read, until it gave up. */
export class ConflictError extends DeltaError {}

/** Two rows of a merge source carry the same key. */
export class DuplicateKeyError extends DeltaError {}

/** A table, version or time asked for is not there. */
export class TableNotFoundError extends DeltaError {}
