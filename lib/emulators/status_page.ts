import type { CosmosStatus } from "./cosmos/mod.ts";
import type { EventHubsStatus, HubStatus } from "./event_hubs/mod.ts";

/** What the page shows. */
export interface StatusPage {
  hubs: EventHubsStatus;
  /** Events a second of a hub. */
  rates: (hub: string) => { in: number; out: number };
  cosmos: CosmosStatus;
  endpoints: { eventHubs: string; cosmos: string };
}

/** The status page: plain HTML without any script, reloading itself every few seconds. */
export function statusPage(page: StatusPage): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3">
<meta name="viewport" content="width=device-width">
<title>Clickstream services</title><style>${STYLE}</style></head><body>
<h1>Clickstream services</h1>
<h2>Event Hubs <small>${escape(page.endpoints.eventHubs)} · ${
    counted(page.hubs.connections, "connection")
  }</small></h2>
${page.hubs.hubs.map((hub) => hubSection(hub, page.rates(hub.name))).join("\n") || none("hubs")}
<h2>Cosmos DB <small>${escape(page.endpoints.cosmos)}</small></h2>
${databaseSection(page.cosmos)}
</body></html>
`;
}

function hubSection(hub: HubStatus, rates: { in: number; out: number }): string {
  const rows = hub.partitions.map((partition) => [
    partition.id,
    number(partition.events),
    partition.events === 0 ? "" : `${partition.firstSequence} to ${partition.lastSequence}`,
    bytes(partition.bytes),
    partition.lastEnqueuedMs === null ? "" : new Date(partition.lastEnqueuedMs).toISOString(),
    number(partition.eventsIn),
    number(partition.eventsOut),
  ]);
  const head = ["partition", "events", "sequence numbers", "size", "newest", "in", "out"];
  return `<h3>${escape(hub.name)} <small>${number(rates.in)} in/s · ${
    number(rates.out)
  } out/s</small></h3>${table(head, rows)}${groupTable(hub)}`;
}

function groupTable(hub: HubStatus): string {
  const rows = hub.groups.flatMap((group) =>
    group.partitions
      .filter((partition) => partition.sequence !== null || partition.receivers.length > 0)
      .map((partition) => [
        escape(group.name),
        partition.id,
        partition.lag === null ? "" : number(partition.lag),
        partition.receivers.map(({ name, epoch }) =>
          escape(name) + (epoch === null ? "" : ` (epoch ${epoch})`)
        ).join("<br>"),
      ])
  );
  const quiet = hub.groups.map((group) => escape(group.name)).join(", ");
  return rows.length === 0
    ? `<p>Consumer groups: ${quiet}; none has received anything.</p>`
    : table(["consumer group", "partition", "lag (events)", "receivers"], rows);
}

function databaseSection({ databases }: CosmosStatus): string {
  const rows = databases.flatMap((database) =>
    database.containers.map((container) => [
      escape(database.id),
      escape(container.id),
      number(container.items),
    ])
  );
  return rows.length === 0 ? none("containers") : table(["database", "container", "items"], rows);
}

function table(head: string[], rows: (string | number)[][]): string {
  const cells = (row: (string | number)[], tag: string) =>
    row.map((cell) => `<${tag}>${cell}</${tag}>`).join("");
  return `<table><thead><tr>${cells(head, "th")}</tr></thead><tbody>${
    rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("")
  }</tbody></table>`;
}

function none(what: string): string {
  return `<p>There are no ${what} yet.</p>`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function number(value: number): string {
  return value.toLocaleString("en-GB");
}

function bytes(value: number): string {
  return value < 1e6 ? `${(value / 1e3).toFixed(0)} kB` : `${(value / 1e6).toFixed(1)} MB`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2rem; } small { font-weight: normal; opacity: .7; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .15rem 1.2rem .15rem 0; border-bottom: 1px solid #8884; }
td { font-variant-numeric: tabular-nums; }`;
