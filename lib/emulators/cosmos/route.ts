/** What a request's path names. */
export interface Route {
  /** `account`, or the collection of resources the path is in. */
  type: "account" | "dbs" | "colls" | "docs" | "pkranges" | "offers" | "other";
  database: string | undefined;
  container: string | undefined;
  item: string | undefined;
  /** Whether the path names one resource and not the feed of them. */
  isOne: boolean;
  /** Resource links that a client may have signed. */
  links: string[];
}

const KNOWN = new Set(["dbs", "colls", "docs", "pkranges", "offers"]);

/** Reads a request's path. Undefined when it names nothing that could exist. */
export function parseRoute(path: string): Route | undefined {
  const raw = path.split("/").filter((part) => part !== "");
  let parts: string[];
  try {
    parts = path.includes("%") ? raw.map(decodeURIComponent) : raw;
  } catch {
    return undefined;
  }
  if (parts.length === 0) {
    return {
      type: "account",
      database: undefined,
      container: undefined,
      item: undefined,
      isOne: true,
      links: [""],
    };
  }
  const last = parts[parts.length - (parts.length % 2 === 1 ? 1 : 2)]!;
  const named = (collection: string, place: number) =>
    parts[place] === collection ? parts[place + 1] : undefined;
  const isOne = parts.length % 2 === 0;
  const signed = (all: string[]) => (isOne ? all : all.slice(0, -1)).join("/");
  return {
    type: KNOWN.has(last) ? last as Route["type"] : "other",
    database: named("dbs", 0),
    container: named("colls", 2),
    item: named("docs", 4),
    isOne,
    links: parts === raw ? [signed(raw)] : [signed(parts), signed(raw)],
  };
}

/** The resource type as signatures carry it. */
export function signedType(path: string): string {
  const parts = path.split("/").filter((part) => part !== "");
  return parts[parts.length - (parts.length % 2 === 1 ? 1 : 2)] ?? "";
}
