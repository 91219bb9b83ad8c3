import assert from "node:assert/strict";
import { type HistoryFile, type QueryFile, streamFiles, writeState } from "clickstream/streaming";
import { streamTimeOf } from "../../lib/serving/streamTime.ts";
import { withHome } from "../support.ts";

const HOUR = 3_600_000_000;

Deno.test("The stream's newest time is what the query has committed, or history's, or not known", async () => {
  await withHome(async (home) => {
    const files = streamFiles({ home });
    const streamTime = streamTimeOf({ home }, 0);
    assert.equal(await streamTime(), null);
    writeState<HistoryFile>(files.history, {
      cutoff: "2021-02-01T00:00:00Z",
      newestEventTime: 5 * HOUR,
      silverVersion: 1,
    });
    assert.equal(await streamTime(), BigInt(5 * HOUR));
    const query: QueryFile = {
      state: "running",
      pid: 1,
      committed: {},
      watermark: null,
      newestEventTime: null,
      online: { ends: {}, watermark: null },
      error: null,
    };
    writeState(files.query, query);
    assert.equal(await streamTime(), BigInt(5 * HOUR));
    writeState(files.query, { ...query, watermark: 6 * HOUR, newestEventTime: 7 * HOUR });
    assert.equal(await streamTime(), BigInt(7 * HOUR));
  });
});
