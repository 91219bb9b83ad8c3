import assert from "node:assert/strict";
import { closeOnlineStore, countDocuments, openOnlineStore } from "clickstream/online";

Deno.test("without a key the store is opened by a token, which never goes over plain HTTP", async () => {
  const store = openOnlineStore({ endpoint: "http://127.0.0.1:9/", key: "", database: "none" });
  await assert.rejects(
    countDocuments(store, "any"),
    /could not count the documents of any: Bearer token authentication is not permitted for non-TLS/,
  );
  closeOnlineStore(store);
});
