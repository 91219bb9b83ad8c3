import assert from "node:assert/strict";
import fc from "fast-check";
import {
  closeOnlineStore,
  containerOf,
  countDocuments,
  createContainers,
  deleteDocuments,
  documentId,
  dropContainers,
  emptyContainer,
  lookUpFeatures,
  OnlineStoreError,
  openOnlineStore,
  overwriteDocuments,
  publishDocuments,
  readDocument,
  withdrawDocuments,
} from "clickstream/online";
import { withStore } from "./support.ts";

// The SDK keeps connections of its own.
const options = { sanitizeOps: false, sanitizeResources: false };
const TABLE = "electronics_user_metrics__inference";

const document = (id: string, version: number) => ({ id, version, events: version });

Deno.test(
  "a document is written over an older one and over one of its own version",
  options,
  async () => {
    await withStore([TABLE], async (store) => {
      const container = containerOf(store, TABLE);
      for (const version of [1, 1, 2]) {
        const [outcome] = await publishDocuments(container, [{ document: document("a", version) }]);
        assert.notEqual(outcome, null);
      }
      assert.equal((await readDocument(store, TABLE, "a"))?.version, 2);
    });
  },
);

Deno.test(
  "a document is never written over a newer one, whatever its writer believes",
  options,
  async () => {
    await withStore([TABLE], async (store) => {
      const container = containerOf(store, TABLE);
      const [etag] = await publishDocuments(container, [{ document: document("a", 1) }]);
      await publishDocuments(container, [{ document: document("a", 5) }]);
      for (const belief of [{ etag: etag! }, { mayExist: true }, { mayExist: false }]) {
        const [outcome] = await publishDocuments(container, [{
          document: document("a", 3),
          ...belief,
        }]);
        assert.equal(outcome, null);
      }
      assert.equal((await readDocument(store, TABLE, "a"))?.version, 5);
    });
  },
);

Deno.test("of writers at the same time, the greatest version stays", options, async () => {
  await withStore([TABLE], async (store) => {
    const container = containerOf(store, TABLE);
    const versions = [3, 9, 1, 7, 5, 8, 2];
    await Promise.all(
      versions.map((version) =>
        publishDocuments(container, [{
          document: document("a", version),
          mayExist: version % 2 === 0,
        }])
      ),
    );
    assert.equal((await readDocument(store, TABLE, "a"))?.version, 9);
  });
});

Deno.test(
  "more documents than a request holds all arrive, also when the store is busy",
  options,
  async () => {
    await withStore([TABLE], async (store, cosmos) => {
      const container = containerOf(store, TABLE);
      const documents = Array.from({ length: 730 }, (_, i) => document(`k${i}`, i));
      cosmos.throttle(4, 1);
      await overwriteDocuments(container, documents);
      assert.equal(await countDocuments(store, TABLE), 730);
      await deleteDocuments(container, documents.slice(0, 230).map((d) => d.id).concat("absent"));
      assert.equal(await countDocuments(store, TABLE), 500);
    });
  },
);

Deno.test(
  "a document is withdrawn unless a newer one has taken its place, whatever was known of it",
  options,
  async () => {
    await withStore([TABLE], async (store) => {
      const container = containerOf(store, TABLE);
      const documents = ["a", "b", "c", "d"].map((id) => ({ document: document(id, 3) }));
      const etags = await publishDocuments(container, documents);
      await publishDocuments(
        container,
        [document("b", 4), document("d", 4)].map((document) => ({
          document,
        })),
      );
      await withdrawDocuments(container, [
        { id: "a", version: 3, etag: etags[0]! },
        { id: "b", version: 3, etag: etags[1]! },
        { id: "c", version: 3 },
        { id: "d", version: 3 },
        { id: "absent", version: 3 },
        { id: "absent too", version: 3, etag: etags[0]! },
      ]);
      const left = ["a", "b", "c", "d"].map((id) => readDocument(store, TABLE, id));
      assert.deepEqual((await Promise.all(left)).map((found) => found?.version ?? null), [
        null,
        4,
        null,
        4,
      ]);
    });
  },
);

Deno.test(
  "many documents at once are each written and withdrawn as they would be alone, also in a busy store",
  options,
  async () => {
    await withStore([TABLE], async (store, cosmos) => {
      const container = containerOf(store, TABLE);
      const ids = Array.from({ length: 1300 }, (_, i) => `k${i}`);
      // Absent, older, of the same version and newer, in turns.
      const versions = ids.map((_, i) => i % 4);
      await overwriteDocuments(
        container,
        ids.map((id, i) => document(id, versions[i]!)).filter(({ version }) => version > 0),
      );
      cosmos.throttle(4, 1);
      const outcomes = await publishDocuments(
        container,
        ids.map((id) => ({ document: document(id, 2), mayExist: true })),
      );
      assert.deepEqual(
        outcomes.map((outcome) => outcome === null),
        versions.map((version) => version > 2),
      );
      assert.equal(await countDocuments(store, TABLE), ids.length);

      cosmos.throttle(4, 1);
      await withdrawDocuments(container, ids.map((id) => ({ id, version: 2 })));
      assert.equal(await countDocuments(store, TABLE), versions.filter((v) => v > 2).length);
    });
  },
);

Deno.test("any session text is a usable id, and different keys have different ids", () => {
  fc.assert(fc.property(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: "binary" }).filter((s) => s.isWellFormed()),
    fc.string({ unit: "binary" }).filter((s) => s.isWellFormed()),
    (user, one, other) => {
      const id = documentId([user, one]);
      assert.ok(!/[/\\?#]/.test(id));
      assert.equal(id === documentId([user, other]), one === other);
    },
  ));
});

Deno.test("keys that nobody saw give nulls, and say so", options, async () => {
  await withStore([TABLE], async (store) => {
    await createContainers(store, ["electronics_product_attributes"]);
    const [answer] = await lookUpFeatures(store, [
      { user_id: 1n, user_session: null, product_id: 9_007_199_254_740_993n },
    ]);
    assert.equal(answer!.features["user__events"], null);
    assert.equal(answer!.found["user"], false);
    assert.equal(answer!.alreadyPurchased, false);
  });
});

Deno.test(
  "a dropped container is empty when it is made again; dropping twice is fine",
  options,
  async () => {
    await withStore([TABLE], async (store) => {
      await overwriteDocuments(containerOf(store, TABLE), [document("a", 1)]);
      await dropContainers(store, [TABLE]);
      await dropContainers(store, [TABLE]);
      await createContainers(store, [TABLE]);
      assert.equal(await countDocuments(store, TABLE), 0);
    });
  },
);

Deno.test("a container is emptied where it may not be deleted", options, async () => {
  await withStore([TABLE], async (store) => {
    await createContainers(store, [TABLE]);
    const many = Array.from({ length: 2300 }, (_, i) => document(`k${i}`, 1));
    await overwriteDocuments(containerOf(store, TABLE), many);
    await emptyContainer(containerOf(store, TABLE));
    assert.equal(await countDocuments(store, TABLE), 0);
  });
});

Deno.test("a wrong key is one clear error", options, async () => {
  await withStore([TABLE], async (_, cosmos) => {
    const store = openOnlineStore({
      endpoint: cosmos.endpoint,
      key: btoa("wrong"),
      database: "clickstream",
    });
    await assert.rejects(readDocument(store, TABLE, "a"), OnlineStoreError);
    closeOnlineStore(store);
  });
});

Deno.test(
  "a store that is too busy again and again gets everything in the end",
  options,
  async () => {
    await withStore([TABLE], async (store, cosmos) => {
      const container = containerOf(store, TABLE);
      const documents = Array.from({ length: 250 }, (_, i) => document(String(i), 1));
      cosmos.throttle(12);
      await overwriteDocuments(container, documents);
      cosmos.throttle(40); // more often than the SDK asks on its own
      const publications = documents.map(({ id }) => ({
        document: document(id, 2),
        mayExist: true,
      }));
      assert.ok((await publishDocuments(container, publications)).every((etag) => etag !== null));
      cosmos.throttle(6);
      await deleteDocuments(container, documents.slice(0, 200).map(({ id }) => id));
      cosmos.throttle(0);
      assert.equal(await countDocuments(store, TABLE), 50);
    });
  },
);
