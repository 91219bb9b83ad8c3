import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "clickstream/config";
import { type QueryFile, readQuery } from "clickstream/streaming";
import { writeQuery } from "../../lib/streaming/query_files.ts";
import { withHome } from "../support.ts";

const file = (over: Partial<QueryFile>): QueryFile => ({
  state: "running",
  pid: Deno.pid,
  committed: {},
  watermark: null,
  newestEventTime: null,
  online: { ends: {}, watermark: null },
  error: null,
  ...over,
});

Deno.test("without a query there is nothing to read; one query's file is read as it is", async () => {
  await withHome((home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    assert.equal(readQuery(config), null);
    const one = file({ committed: { 0: 5, 1: 7 }, watermark: 3 });
    writeQuery(config, one, null);
    assert.deepEqual(readQuery(config), one);
    return Promise.resolve();
  });
});

Deno.test("of each partition the file written last counts, and a member at work speaks for the group", async () => {
  await withHome((home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    const gone = { pid: 2 ** 30, written: 1, watermark: 10, newestEventTime: 90 };
    writeQuery(
      config,
      file({ ...gone, committed: { 0: 5, 1: 7 }, online: { ends: { 0: 4, 1: 6 }, watermark: 8 } }),
      { partitions: [0, 1], of: 3 },
    );
    writeQuery(
      config,
      file({
        written: 2,
        watermark: 12,
        newestEventTime: 80,
        committed: { 1: 9, 2: 3 },
        highest: { 1: 70, 2: 60 },
        online: { ends: { 1: 9 }, watermark: 11 },
      }),
      { partitions: [1, 2], of: 3 },
    );
    const { state, pid, committed, highest, watermark, newestEventTime, online } = readQuery(
      config,
    )!;
    assert.deepEqual([state, pid], ["running", Deno.pid]);
    assert.deepEqual(committed, { 0: 5, 1: 9, 2: 3 });
    assert.deepEqual(highest, { 1: 70, 2: 60 });
    assert.deepEqual([watermark, newestEventTime], [12, 90]);
    assert.deepEqual(online, { ends: { 0: 4, 1: 9 }, watermark: 8 });
    return Promise.resolve();
  });
});

Deno.test("a query of its own that follows a group speaks for all partitions", async () => {
  await withHome((home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    const group = file({ pid: 2 ** 30, written: 1, committed: { 0: 5 } });
    writeQuery(config, group, { partitions: [0, 1], of: 2 });
    const own = file({ state: "stopped", written: 2, committed: { 0: 6, 1: 0 } });
    writeQuery(config, own, null);
    const { state, committed } = readQuery(config)!;
    assert.deepEqual([state, committed], ["stopped", { 0: 6, 1: 0 }]);
    assert.deepEqual(Deno.readDirSync(join(home, "stream")).toArray().length, 3);
    return Promise.resolve();
  });
});
