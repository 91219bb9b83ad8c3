import { z } from "zod";

/** One shop event, as every part of the project holds it in JavaScript. */
export interface ShopEvent {
  /** Microseconds since 1970-01-01 UTC. */
  event_time: bigint;
  /** `view`, `cart` or `purchase`; other words are kept and count as events only. */
  event_type: string;
  product_id: bigint;
  category_id: bigint | null;
  /** Dotted path, for example `computers.components.videocards`. */
  category_code: string | null;
  brand: string | null;
  /** Price of one piece, in the shop's currency. */
  price: number | null;
  user_id: bigint;
  /** Session string; null for the few events that came without one. */
  user_session: string | null;
}

/** One column of the event schema. */
export interface EventColumn {
  name: keyof ShopEvent;
  /** DuckDB type; TIMESTAMP holds UTC. */
  duckType: "TIMESTAMP" | "VARCHAR" | "BIGINT" | "DOUBLE";
  /** Type in the lakehouse's words. */
  type: "timestamp" | "string" | "long" | "double";
  /** A row without it cannot be read. */
  required: boolean;
  description: string;
}

/** The nine columns, in the order of the source's header. */
export const EVENT_COLUMNS: readonly EventColumn[] = [
  column("event_time", "timestamp", true, "When it happened, UTC."),
  column("event_type", "string", true, "view, cart or purchase."),
  column("product_id", "long", true, "The product."),
  column("category_id", "long", false, "The product's category."),
  column("category_code", "string", false, "Name of the category as a dotted path."),
  column("brand", "string", false, "The product's brand, in lower case."),
  column("price", "double", false, "Price of one piece."),
  column("user_id", "long", true, "The user; beyond 2^53, never a JavaScript number."),
  column("user_session", "string", false, "The session, unique only together with user_id."),
];

function column(
  name: EventColumn["name"],
  type: EventColumn["type"],
  required: boolean,
  description: string,
): EventColumn {
  const duckTypes = {
    timestamp: "TIMESTAMP",
    string: "VARCHAR",
    long: "BIGINT",
    double: "DOUBLE",
  } as const;
  return { name, type, duckType: duckTypes[type], required, description };
}

/** The event types that the metrics know. */
export const EVENT_TYPES = ["view", "cart", "purchase"] as const;

const int64 = z.bigint().min(-(2n ** 63n)).max(2n ** 63n - 1n);
const emptyIsNull = z.string().nullish().transform((text) => text || null);

/** Checks a {@link ShopEvent} that came from outside; empty or absent optional fields become null. */
export const eventSchema = z.object({
  event_time: int64,
  event_type: z.string().min(1),
  product_id: int64,
  category_id: int64.nullish().transform((id) => id ?? null),
  category_code: emptyIsNull,
  brand: emptyIsNull,
  price: z.number().nullish().transform((price) => price ?? null),
  user_id: int64,
  user_session: emptyIsNull,
});
