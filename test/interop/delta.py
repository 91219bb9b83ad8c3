"""The Python side of run_delta.sh: reads one JSON request a line, answers with one JSON line."""

import json
import sys
from decimal import Decimal

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake


def rows_of(request):
    """Rows of a table, at a version if one is named, sorted by id."""
    table = DeltaTable(request["path"], version=request.get("version"))
    rows = table.to_pyarrow_table().to_pylist()
    rows.sort(key=lambda row: row["id"])
    return {"version": table.version(), "rows": rows}


def to_arrow(request):
    """The request's rows, typed by its schema."""
    types = {
        "long": pa.int64(),
        "string": pa.string(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "date": pa.int32(),
        "decimal(38,9)": pa.string(),
        "decimal(10,2)": pa.string(),
        "binary": pa.string(),
    }
    table = pa.table(
        {
            name: pa.array([row.get(name) for row in request["rows"]], types[kind])
            for name, kind in request["schema"].items()
        }
    )
    finals = {
        "date": pa.date32(),
        "decimal(38,9)": pa.decimal128(38, 9),
        "decimal(10,2)": pa.decimal128(10, 2),
        "binary": pa.binary(),
    }
    for name, kind in request["schema"].items():
        if kind in finals:
            index = table.column_names.index(name)
            table = table.set_column(index, name, table[name].cast(finals[kind]))
    return table


def write(request):
    options = {key: request[key] for key in ("mode", "partition_by", "predicate", "schema_mode") if key in request}
    if "txn" in request:
        app, version = request["txn"]
        options["commit_properties"] = CommitProperties(app_transactions=[Transaction(app, version)])
    write_deltalake(request["path"], to_arrow(request), **options)
    return {}


def merge(request):
    """A merge by id: all columns, or `set` where `condition` holds and no row where `delete` does."""
    merger = DeltaTable(request["path"]).merge(
        to_arrow(request), "t.id = s.id", source_alias="s", target_alias="t"
    )
    if "set" in request:
        merger = merger.when_matched_delete(predicate=request["delete"])
        merger = merger.when_matched_update(updates=request["set"], predicate=request["condition"])
    else:
        merger = merger.when_matched_update_all()
    merger.when_not_matched_insert_all().execute()
    return {}


def change(request):
    table = DeltaTable(request["path"])
    kind = request["change"]
    if kind == "delete":
        table.delete(request["where"])
    elif kind == "update":
        table.update(updates=request["set"], predicate=request["where"])
    elif kind == "optimize":
        table.optimize.compact()
    elif kind == "checkpoint":
        table.create_checkpoint()
    elif kind == "restore":
        table.restore(request["version"])
    elif kind == "vacuum":
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    else:
        raise ValueError(kind)
    return {}


def about(request):
    """What the log says: properties, transactions, statistics, history."""
    table = DeltaTable(request["path"])
    meta = table.metadata()
    adds = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return {
        "protocol": [table.protocol().min_reader_version, table.protocol().min_writer_version],
        "description": meta.description,
        "partitions": meta.partition_columns,
        "configuration": meta.configuration,
        "txn": table.transaction_version(request.get("app", "q")),
        "records": sum(add["num_records"] for add in adds),
        "files": len(adds),
        "mins": [add.get("min.id") for add in adds],
        "operations": [entry.get("operation") for entry in table.history()],
        "nullable": {field.name: field.nullable for field in table.schema().fields},
    }


def filtered(request):
    """Ids of the rows that a filter keeps, by partition and statistics."""
    table = DeltaTable(request["path"])
    found = table.to_pyarrow_table(filters=[tuple(part) for part in request["filters"]])
    return {"ids": sorted(found["id"].to_pylist())}


def main():
    actions = {"rows": rows_of, "write": write, "merge": merge, "change": change, "about": about, "filtered": filtered}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = actions[request["do"]](request)
        except Exception as error:  # The other side says where it stood.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=plain), flush=True)


def plain(value):
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


main()
