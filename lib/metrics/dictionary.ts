import {
  inferenceTable,
  joinedColumns,
  type MetricSet,
  metricSet,
  metricSets,
  trainingTable,
} from "./definition.ts";
import { historySql } from "./history_sql.ts";
import { inferenceColumns, type MetricColumn, trainingColumns } from "./schema.ts";

/** The data dictionary of the metric tables as Markdown, all of it from the definitions. */
export function dictionaryText(): string {
  return [
    `# Data dictionary of the metrics

Written by \`deno task dictionary\` from lib/metrics/definition.ts: edit that, not this. A test holds
the two together. Times are UTC with microseconds; ids are 64-bit integers.`,
    ...metricSets.map(setText),
    addingText(),
  ].join("\n\n") + "\n";
}

function setText(set: MetricSet): string {
  const expiry = set.expiry === null
    ? "A key is served for ever."
    : `A key is served until ${set.expiry.afterPurchaseHours} hours after its last event when it has a purchase, ${set.expiry.withoutPurchaseHours} hours when not.`;
  const grain = set.grain === "event"
    ? "a row per key and time of an event"
    : "a row per key and midnight after a day with events";
  const training = trainingColumns(set);
  const known = new Set(training.map((column) => column.name));
  return `## ${set.name}

${capital(set.description)}. Key: ${set.keys.map((key) => `\`${key}\``).join(", ")}. ${expiry}

\`${trainingTable(set)}\`, ${grain}:

${columnTable(training)}

\`${inferenceTable(set)}\`, a row per key, has the same values as they stand now, and:

${columnTable(inferenceColumns(set).filter((column) => !known.has(column.name)))}

As features, joined to rows of keys and times: ${
    joinedColumns(set).map((name) => `\`${name}\``).join(", ")
  }.${elapsedText(set)}

Its history in SQL, one text for DuckDB and Spark:

\`\`\`sql
${historySql(set, "electronics_events_silver")}
\`\`\``;
}

function elapsedText(set: MetricSet): string {
  return set.elapsed.map((elapsed) =>
    `\n\n\`${elapsed.name}\`: ${elapsed.description}; from the first of ${
      elapsed.since.map((time) => `\`${time}\``).join(", ")
    } that lies before the moment, so no table holds it.`
  ).join("");
}

function columnTable(columns: readonly MetricColumn[]): string {
  const rows = columns.map(({ name, type, nullable, comment }) =>
    `| \`${name}\` | ${type} | ${nullable ? "yes" : "no"} | ${comment} |`
  );
  return ["| column | type | null | what it says |", "| - | - | - | - |", ...rows].join("\n");
}

function addingText(): string {
  const { further, elapsed } = metricSet("cart");
  const shown = [
    further.find((f) => f.kind === "distinct"),
    further.find((f) => f.kind === "total"),
    elapsed.find((e) => e.name === "seconds_since_last_event"),
  ];
  return `## Adding a metric is one edit

An entry in a set's \`further\` or \`elapsed\` list in lib/metrics/definition.ts, and nothing else:
the history SQL (DuckDB and Spark), the current SQL, the streaming state, the tables' columns, the
spine join, the names of the features and this file follow from it. These three are how distinct products
in the cart, the cart's value and the seconds since the last event came in:

\`\`\`json
${JSON.stringify(shown, null, 2)}
\`\`\`

\`kind\` says how it is counted; the kinds are explained at the type \`Further\`. A new kind (a median,
say) takes an entry in further_sql.ts and in state_columns.ts as well. The tests compare every derived
form with a naive count over an array (test/metrics/reference.ts): add the metric's line there.
Tables that exist are made anew: \`deno task reset\`, then 0b and 1a.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
