import type { Catalog, Container } from "./catalog.ts";
import { isExpired } from "./items.ts";
import { type StoredItem, transact } from "./item_store.ts";

const STEP = 2000;

/** How far the sweep of each container has come; it begins again behind the last row. */
const places = new WeakMap<Container, number>();

/**
 * Deletes expired items for good, a step of each container with a time to live at every call, so
 * that no call takes long. Until then reads and queries pass over them.
 *
 * @param now seconds since 1970
 */
export function sweepExpired(catalog: Catalog, now: number): void {
  for (const { containers } of catalog.databases.values()) {
    for (const container of containers.values()) {
      if (container.defaultTtl === undefined) continue;
      try {
        sweepStep(container, now);
      } catch (error) {
        // What could not be deleted now is passed over by reads and tried again later.
        console.error(`cosmos: expired items of ${container.id} stay for now:`, error);
      }
    }
  }
}

function sweepStep(container: Container, now: number): void {
  const { items } = container;
  const rows = items.statements.times.all(places.get(container) ?? 0, STEP) as unknown as Pick<
    StoredItem,
    "row" | "ts" | "ttl"
  >[];
  const last = rows.at(-1);
  places.set(container, rows.length < STEP || last === undefined ? 0 : last.row);
  const expired = rows.filter((item) => isExpired(container, item, now));
  if (expired.length === 0) return;
  transact(items, () => {
    for (const { row } of expired) items.statements.delete.run(row);
    items.count -= expired.length;
    return { commit: true };
  });
}
