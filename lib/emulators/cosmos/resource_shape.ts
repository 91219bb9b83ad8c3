import type { Container, Database } from "./catalog.ts";
import { isObject, type JsonObject } from "./json.ts";
import { etagOf } from "./resource_id.ts";

/** ETag of a container's definition. */
export function containerEtag(container: Container): string {
  return etagOf(container.number, container.revision, container.ts);
}

/** The definition as the service shows it: with its system properties. */
export function containerResource(container: Container): JsonObject {
  const definition = container.definition;
  return {
    indexingPolicy: isObject(definition.indexingPolicy) ? definition.indexingPolicy : {
      indexingMode: "consistent",
      automatic: true,
      includedPaths: [{ path: "/*" }],
      excludedPaths: [{ path: '/"_etag"/?' }],
    },
    conflictResolutionPolicy: {
      mode: "LastWriterWins",
      conflictResolutionPath: "/_ts",
      conflictResolutionProcedure: "",
    },
    ...definition,
    id: container.id,
    _rid: container.rid,
    _self: container.self,
    _etag: containerEtag(container),
    _ts: container.ts,
    _docs: "docs/",
    _sprocs: "sprocs/",
    _triggers: "triggers/",
    _udfs: "udfs/",
    _conflicts: "conflicts/",
  };
}

/** A database as the service shows it. */
export function databaseResource(database: Database): JsonObject {
  return {
    id: database.id,
    _rid: database.rid,
    _self: `dbs/${database.rid}/`,
    _etag: etagOf(database.number, 1, database.ts),
    _colls: "colls/",
    _users: "users/",
    _ts: database.ts,
  };
}
