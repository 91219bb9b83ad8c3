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

/** The status page: plain HTML that a few lines of script renew every three seconds, if wanted. */
export function statusPage(page: StatusPage): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Clickstream services</title><style>${STYLE}</style></head><body>
<header><h1>Clickstream services</h1>
<label><input type="checkbox" id="renew" checked> renew every 3 s</label></header>
<main id="state">
<h2>Event Hubs <small>${escape(page.endpoints.eventHubs)} · ${
    counted(page.hubs.connections, "connection")
  }</small></h2>
${page.hubs.hubs.map((hub) => hubSection(hub, page.rates(hub.name))).join("\n") || none("hubs")}
<h2>Cosmos DB <small>${escape(page.endpoints.cosmos)} · ${
    counted(page.cosmos.requests, "request")
  } since the start</small></h2>
${databaseSection(page.cosmos)}
</main><script>${RENEW}</script></body></html>
`;
}

function hubSection(hub: HubStatus, rates: { in: number; out: number }): string {
  const rows = hub.partitions.map((partition) => [
    String(partition.id),
    number(partition.events),
    partition.events === 0
      ? "–"
      : `${number(partition.firstSequence)} to ${number(partition.lastSequence)}`,
    bytes(partition.bytes),
    partition.lastEnqueuedMs === null
      ? "–"
      : new Date(partition.lastEnqueuedMs).toISOString().replace("T", " ").slice(0, 19),
    number(partition.eventsIn),
    number(partition.eventsOut),
  ]);
  const head = [
    "partition",
    "events kept",
    "sequence numbers",
    "on disk",
    "newest (UTC)",
    "in since start",
    "out since start",
  ];
  return `<section><h3>${escape(hub.name)} <small>${number(rates.in)} events in/s · ${
    number(rates.out)
  } out/s</small></h3>${table(`Partitions of ${escape(hub.name)}`, head, rows)}${
    groupTable(hub)
  }</section>`;
}

function groupTable(hub: HubStatus): string {
  const rows = hub.groups.flatMap((group) => {
    const read = group.partitions
      .filter((partition) => partition.sequence !== null || partition.receivers.length > 0);
    if (read.length === 0) return [[escape(group.name), "–", "–", "nobody has read yet"]];
    const lags = read.flatMap(({ lag }) => lag === null ? [] : [lag]);
    const all = [
      `<b>${escape(group.name)}</b>`,
      "all",
      `<b>${lags.length === 0 ? "–" : number(lags.reduce((sum, lag) => sum + lag, 0))}</b>`,
      counted(read.reduce((sum, { receivers }) => sum + receivers.length, 0), "receiver"),
    ];
    return [
      all,
      ...read.map((partition) => [
        escape(group.name),
        String(partition.id),
        partition.lag === null ? "–" : number(partition.lag),
        partition.receivers.map(({ name, epoch }) =>
          escape(name) + (epoch === null ? "" : ` (epoch ${epoch})`)
        ).join("<br>") || "none now",
      ]),
    ];
  });
  const head = ["consumer group", "partition", "lag (events)", "receivers"];
  return table(`Consumer groups of ${escape(hub.name)}`, head, rows);
}

function databaseSection({ databases }: CosmosStatus): string {
  if (databases.length === 0) return none("databases");
  const rows = databases.flatMap(({ id, containers }) =>
    containers.length === 0
      ? [[escape(id), "no container yet", "–"]]
      : containers.map((one) => [escape(id), escape(one.id), number(one.items)])
  );
  return table("Databases and containers", ["database", "container", "items"], rows);
}

/** A table whose first cells are row headers; cells that hold only a number stand to the right. */
function table(caption: string, head: string[], rows: string[][]): string {
  const cell = (text: string, column: number) => {
    if (column === 0) return `<th scope="row">${text}</th>`;
    return /^(<b>)?[\d,.]+( [kM]B)?(<\/b>)?$/.test(text)
      ? `<td class="n">${text}</td>`
      : `<td>${text}</td>`;
  };
  return `<div class="wide" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${
    head.map((text) => `<th scope="col">${text}</th>`).join("")
  }</tr></thead><tbody>${
    rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("")
  }</tbody></table></div>`;
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

/** Puts the state of now in place of the old one; says so when the services have gone. */
const RENEW = `
const wanted = document.getElementById("renew");
setInterval(async () => {
  if (!wanted.checked || document.hidden) return;
  try {
    const text = await (await fetch("/")).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    document.getElementById("state").innerHTML = page.getElementById("state").innerHTML;
    document.title = "Clickstream services";
  } catch {
    document.title = "Clickstream services (stopped)";
  }
}, 3000);`;

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { background: light-dark(#fff, #121212); color: light-dark(#111, #eee); }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: 0 2rem; align-items: baseline; }
h2 { margin-top: 2rem; } h3 { margin-bottom: .3rem; }
small { font-weight: normal; color: light-dark(#555, #b5b5b5); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .3rem 0 1rem; }
caption { text-align: left; color: light-dark(#555, #b5b5b5); }
th, td { text-align: left; padding: .15rem 1.4rem .15rem 0; border-bottom: 1px solid #8886; }
thead th { vertical-align: bottom; } tbody th { font-weight: normal; }
.n { text-align: right; } td, th { font-variant-numeric: tabular-nums; }`;
