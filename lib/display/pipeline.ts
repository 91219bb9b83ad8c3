import type { DiagramSpec } from "./diagram.ts";

/** How many there are in each place of the first pipeline; what is not given shows no count. */
export interface PipelineCounts {
  /** Rows of staged_events. */
  staged?: number | bigint;
  /** Historical rows of the silver table. */
  historical?: number | bigint;
  /** Rows of the five training tables together. */
  training?: number | bigint;
  /** Rows the model was trained on. */
  trainingRows?: number | bigint;
  /** Messages sent to Event Hubs. */
  sent?: number | bigint;
  /** Rows of the bronze table. */
  bronze?: number | bigint;
  /** Live rows of the silver table. */
  live?: number | bigint;
  /** Rows of the rejected table. */
  rejected?: number | bigint;
  /** Keys of the five inference tables together. */
  gold?: number | bigint;
  /** Documents in the online store. */
  online?: number | bigint;
  /** Scores given by the endpoint. */
  scores?: number | bigint;
}

/** The first pipeline, from shop events to scores, as a diagram with these counts. */
export function pipelineDiagram(counts: PipelineCounts = {}, title?: string): DiagramSpec {
  return {
    ...(title !== undefined && { title }),
    nodes: [
      { id: "staged", label: "staged_events", count: counts.staged, detail: "typed CSV rows" },
      node("hub", "Event Hubs", counts.sent, "live replay", "live"),
      node("history", "silver, past", counts.historical, "before the cutoff", "historical"),
      node("bronze", "bronze", counts.bronze, "as received", "bronze"),
      node("silver", "silver, live", counts.live, "checked", "silver"),
      node("rejected", "rejected", counts.rejected, "with the reason", "bad"),
      node("training", "training tables", counts.training, "as of each moment", "gold"),
      node("gold", "inference tables", counts.gold, "newest by key", "gold"),
      node("online", "online store", counts.online, "Cosmos DB", "online"),
      { ...node("model", "model", counts.trainingRows, "P(purchase)", "model"), unit: "rows" },
      {
        ...node("serving", "endpoint", counts.scores, "scores by keys", "purchase"),
        unit: "scores",
      },
    ],
    edges: [
      { from: "staged", to: "history" },
      { from: "staged", to: "hub", label: "replay" },
      { from: "hub", to: "bronze" },
      { from: "bronze", to: "silver" },
      { from: "bronze", to: "rejected", dashed: true },
      { from: "silver", to: "gold" },
      { from: "history", to: "training" },
      { from: "training", to: "model" },
      { from: "history", to: "gold", label: "seed", dashed: true },
      { from: "gold", to: "online" },
      { from: "online", to: "serving", label: "look-up" },
      { from: "model", to: "serving" },
    ],
  };
}

function node(
  id: string,
  label: string,
  count: number | bigint | undefined,
  detail: string,
  thing: NonNullable<DiagramSpec["nodes"][number]["thing"]>,
) {
  return { id, label, count, detail, thing };
}
