import { joinGroup } from "./group_member.ts";
import { whileStarting } from "./live_lock.ts";
import { StreamingQuery } from "./query.ts";
import type { LiveStream, StreamOptions } from "./stream.ts";
import { createLiveTables } from "./tables.ts";

/**
 * Starts what carries the hub's events to bronze, silver, gold and the online store: a query of all
 * partitions or, where a checkpoint store is configured, a member of a group that shares them.
 *
 * @throws {StreamError} when history was not published
 */
export async function startStream(options: StreamOptions): Promise<LiveStream> {
  return await whileStarting(options.config, async () => {
    await createLiveTables(options.lake);
    if (options.config.checkpointStore.connectionString !== "") return await joinGroup(options);
    const query = new StreamingQuery(options);
    await query.start();
    return query;
  });
}
