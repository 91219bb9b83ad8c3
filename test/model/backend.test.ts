import assert from "node:assert/strict";
import { loadBackend } from "clickstream/model";

Deno.test("a backend loads and says which it is", async () => {
  const backend = await loadBackend();
  assert.ok(["native", "wasm", "cpu"].includes(backend.name));
  assert.match(backend.version, /^\d+\.\d+\.\d+$/);
  const sum = backend.tf.add(1, 2);
  assert.deepEqual([...await sum.data()], [3]);
  sum.dispose();
});

Deno.test("the native part loads, or its absence is one sentence that names the task", async () => {
  try {
    assert.equal((await loadBackend("native")).name, "native");
  } catch (error) {
    assert.equal((error as Error).name, "ModelError");
    assert.match((error as Error).message, /backend native does not load here.*deno task native/);
  }
});
