"""Python's azure-cosmos against the local store: `python cosmos_interop.py FILE`, which holds what
`deno task services` printed.

Each check is a function; the first that does not hold ends the program with its traceback.
"""

import base64
import faulthandler
import re
import sys
import time

from azure.core import MatchConditions
from azure.cosmos import CosmosClient, PartitionKey, exceptions

# Rather a traceback than a run without end.
faulthandler.dump_traceback_later(120, exit=True)

with open(sys.argv[1]) as printed:
    PRINTED = dict(re.findall(r'^([A-Z_]+)="(.+)"$', printed.read(), re.MULTILINE))


def client(key=None):
    return CosmosClient(PRINTED["COSMOS_ENDPOINT"], key or PRINTED["COSMOS_WRITE_KEY"])


def refused(status, call, *args, **kwargs):
    """Runs a call that must end with this HTTP status."""
    try:
        call(*args, **kwargs)
    except exceptions.CosmosHttpResponseError as error:
        assert error.status_code == status, f"{error.status_code} instead of {status}: {error}"
        return error
    raise AssertionError(f"{call} was not refused with {status}")


def databases_and_containers(account):
    database = account.create_database("shop")
    refused(409, account.create_database, "shop")
    assert account.create_database_if_not_exists("shop").id == "shop"
    assert [one["id"] for one in account.list_databases()] == ["shop"]
    found = account.query_databases("SELECT * FROM d WHERE d.id = @id", [{"name": "@id", "value": "shop"}])
    assert [one["id"] for one in found] == ["shop"]
    refused(404, account.get_database_client("none").read)
    container = database.create_container("items", PartitionKey("/tenant"))
    refused(409, database.create_container, "items", PartitionKey("/tenant"))
    database.create_container("other", PartitionKey("/id"))
    assert sorted(one["id"] for one in database.list_containers()) == ["items", "other"]
    database.delete_container("other")
    assert container.read()["partitionKey"]["paths"] == ["/tenant"]
    database.replace_container(container, PartitionKey("/tenant"), default_ttl=-1)
    assert container.read()["defaultTtl"] == -1
    return database, container


def items(container):
    made = container.create_item({"id": "a b|1 ü", "tenant": "t", "n": 1, "big": 2**53 + 2})
    assert made["_etag"] and made["_ts"] and made["big"] == 2**53 + 2
    error = refused(409, container.create_item, {"id": "a b|1 ü", "tenant": "t"})
    assert isinstance(error, exceptions.CosmosResourceExistsError)
    assert container.read_item("a b|1 ü", "t")["n"] == 1
    error = refused(404, container.read_item, "a b|1 ü", "elsewhere")
    assert isinstance(error, exceptions.CosmosResourceNotFoundError)
    assert container.upsert_item({"id": "a b|1 ü", "tenant": "t", "n": 2})["n"] == 2
    assert container.replace_item("a b|1 ü", {"id": "a b|1 ü", "tenant": "t", "n": 3})["n"] == 3
    stale = {"etag": made["_etag"], "match_condition": MatchConditions.IfNotModified}
    refused(412, container.replace_item, "a b|1 ü", {"id": "a b|1 ü", "tenant": "t"}, **stale)
    container.delete_item("a b|1 ü", "t")
    refused(404, container.delete_item, "a b|1 ü", "t")
    refused(400, container.create_item, {"id": "x" * 1100, "tenant": "t"})
    refused(413, container.create_item, {"id": "huge", "tenant": "t", "text": "x" * (2 * 1024 * 1024)})
    for number in (True, None, 1.5, "1.5"):
        container.create_item({"id": "typed", "tenant": number})
        assert container.read_item("typed", number)["tenant"] == number
        container.delete_item("typed", number)


def patches(container):
    container.create_item({"id": "p", "tenant": "t", "n": 1, "tags": ["x"], "old": 1})
    patched = container.patch_item("p", "t", [
        {"op": "incr", "path": "/n", "value": 4},
        {"op": "add", "path": "/tags/-", "value": "y"},
        {"op": "set", "path": "/nested", "value": {"deep": 1}},
        {"op": "replace", "path": "/nested/deep", "value": 2},
        {"op": "remove", "path": "/old"},
        {"op": "move", "from": "/nested", "path": "/moved"},
    ])
    assert (patched["n"], patched["tags"], patched["moved"]) == (5, ["x", "y"], {"deep": 2})
    assert "old" not in patched and "nested" not in patched
    one = [{"op": "incr", "path": "/n", "value": 1}]
    refused(412, container.patch_item, "p", "t", one, filter_predicate="from c where c.n > 5")
    assert container.patch_item("p", "t", one, filter_predicate="from c where c.n = 5")["n"] == 6
    refused(400, container.patch_item, "p", "t", [{"op": "remove", "path": "/none"}])
    container.delete_item("p", "t")


def batches(container):
    results = container.execute_item_batch([
        ("create", ({"id": "b1", "tenant": "t"},)),
        ("upsert", ({"id": "b2", "tenant": "t", "n": 1},)),
        ("read", ("b1",)),
        ("replace", ("b2", {"id": "b2", "tenant": "t", "n": 2})),
        ("patch", ("b2", [{"op": "incr", "path": "/n", "value": 3}])),
        ("delete", ("b1",)),
    ], partition_key="t")
    assert [one["statusCode"] for one in results] == [201, 201, 200, 200, 200, 204]
    try:
        container.execute_item_batch([
            ("upsert", ({"id": "b2", "tenant": "t", "n": 99},)),
            ("create", ({"id": "b2", "tenant": "t"},)),
        ], partition_key="t")
        raise AssertionError("a failing batch went through")
    except exceptions.CosmosBatchOperationError as error:
        assert error.error_index == 1 and error.status_code == 409, error
        assert [one["statusCode"] for one in error.operation_responses] == [424, 409]
    assert container.read_item("b2", "t")["n"] == 5
    container.delete_item("b2", "t")


def queries(container):
    for n in range(250):
        container.create_item({"id": str(n), "tenant": f"t{n % 3}", "n": n, "kind": "ab"[n % 2]})

    def ask(query, parameters=None, **options):
        options = options or {"enable_cross_partition_query": True}
        named = [{"name": name, "value": value} for name, value in (parameters or {}).items()]
        return list(container.query_items(query, parameters=named or None, **options))

    assert len(ask("SELECT * FROM c", partition_key="t1")) == 83
    assert ask("SELECT VALUE COUNT(1) FROM c") == [250]
    assert ask("SELECT VALUE c.n FROM c WHERE c.n IN (@a, @b) ORDER BY c.n DESC", {"@a": 3, "@b": 7}) == [7, 3]
    assert ask("SELECT VALUE c.n FROM c ORDER BY c.kind, c.n DESC OFFSET 1 LIMIT 2") == [246, 244]
    assert ask("SELECT TOP 2 VALUE c.n FROM c ORDER BY c._ts DESC, c.n DESC")[0] <= 249
    groups = ask("SELECT c.kind, COUNT(1) AS n, SUM(c.n) AS s FROM c GROUP BY c.kind")
    assert sorted((g["kind"], g["n"], g["s"]) for g in groups) == [("a", 125, 15500), ("b", 125, 15625)]
    assert sorted(ask("SELECT DISTINCT VALUE c.tenant FROM c")) == ["t0", "t1", "t2"]
    assert ask("SELECT VALUE MAX(c.n) FROM c WHERE c.tenant = 't0'") == [249]
    refused(400, ask, "SELEC * FROM c")

    for query in ("SELECT VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n"):
        pages = container.query_items(query, enable_cross_partition_query=True, max_item_count=60).by_page()
        seen = [list(page) for page in pages]
        assert sorted(sum(seen, [])) == list(range(250)) and len(seen) == 5, [len(page) for page in seen]
    first = container.query_items("SELECT * FROM c", partition_key="t1", max_item_count=50).by_page()
    begun = list(next(first))
    again = container.query_items("SELECT * FROM c", partition_key="t1", max_item_count=50)
    rest = sum((list(page) for page in again.by_page(first.continuation_token)), [])
    assert len({one["id"] for one in begun + rest}) == 83 == len(begun) + len(rest)

    many = container.read_items([(str(n), f"t{n % 3}") for n in range(0, 250, 2)] + [("none", "t0")])
    assert sorted(one["n"] for one in many) == list(range(0, 250, 2))
    assert len(list(container.read_all_items(max_item_count=100))) == 250


def hierarchies(database):
    key = PartitionKey(["/tenant", "/user", "/session"], kind="MultiHash")
    container = database.create_container("levels", key)
    for n in range(24):
        container.create_item({"id": str(n), "tenant": f"t{n % 2}", "user": f"u{n % 3}", "session": n % 4})
    assert container.read_item("5", ["t1", "u2", 1])["id"] == "5"
    refused(404, container.read_item, "5", ["t1", "u2", 0])

    def count(prefix):
        return len(list(container.query_items("SELECT * FROM c", partition_key=prefix)))

    assert (count(["t1"]), count(["t1", "u2"]), count(["t1", "u2", 1])) == (12, 4, 2)
    found = container.query_items("SELECT VALUE c.id FROM c WHERE c.tenant = 't1' AND c.user = 'u2'",
                                  enable_cross_partition_query=True)
    assert len(list(found)) == 4


def times_to_live(database):
    container = database.create_container("brief", PartitionKey("/id"), default_ttl=-1)
    container.create_item({"id": "short", "ttl": 1})
    container.create_item({"id": "long"})
    refused(400, container.create_item, {"id": "wrong", "ttl": 0})
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        left = list(container.query_items("SELECT VALUE c.id FROM c", enable_cross_partition_query=True))
        if left == ["long"]:
            break
        time.sleep(0.1)
    assert left == ["long"], left
    refused(404, container.read_item, "short", "short")


def keys_and_rights():
    reader = client(PRINTED["COSMOS_READ_KEY"]).get_database_client("shop").get_container_client("items")
    assert len(list(reader.query_items("SELECT * FROM c", partition_key="t1"))) == 83
    refused(401, reader.create_item, {"id": "no", "tenant": "t"})
    wrong = base64.b64encode(b"not the key").decode()
    refused(401, lambda: client(wrong).get_database_client("shop").read())


def main():
    with client() as account:
        database, container = databases_and_containers(account)
        items(container)
        patches(container)
        batches(container)
        queries(container)
        hierarchies(database)
        times_to_live(database)
        keys_and_rights()
        account.delete_database("shop")
        assert list(account.list_databases()) == []
    print("azure-cosmos: everything holds")


main()
