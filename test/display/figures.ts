import { type Figure, labelEnds } from "clickstream/display";

const hours = Array.from({ length: 72 }, (_, i) => new Date(Date.UTC(2021, 1, 1, i)));
const wave = (level: number, phase: number) =>
  hours.map((_, i) => Math.round(level * (1.1 + Math.sin((i - phase) / 3.82)) + ((i * 37) % 11)));

const recall = Array.from({ length: 101 }, (_, i) => i / 100);

/** One figure of each kind the notebooks draw, with values fixed so that pictures can be compared. */
export const figures: Record<string, Figure> = {
  eventsOverTime: {
    data: [
      { name: "view", mode: "lines", x: hours, y: wave(900, 8) },
      { name: "cart", mode: "lines", x: hours, y: wave(120, 9) },
      { name: "purchase", mode: "lines", x: hours, y: wave(80, 10) },
    ],
    layout: {
      title: {
        text: "Shopping peaks in the afternoon; purchases follow views by about two hours",
        subtitle: { text: "Events an hour by type, first three days of February 2021 (UTC)" },
      },
      xaxis: { title: "hour (UTC)" },
      yaxis: { title: "events an hour", rangemode: "tozero" },
    },
  },
  funnel: {
    data: [{
      type: "bar",
      orientation: "h",
      y: ["purchase", "cart", "view"],
      x: [37_346n, 54_035n, 793_748n],
      marker: { color: ["#009E73", "#C98500", "#0072B2"] },
      text: ["37,346 (4.7 %)", "54,035 (6.8 %)", "793,748"],
      textposition: "outside",
    }],
    layout: {
      title: {
        text: "One view in fifteen becomes a cart event, one in twenty-one a purchase",
        subtitle: { text: "Events by type, September 2020 to February 2021" },
      },
      xaxis: { title: "events", range: [0, 920_000] },
      height: 320,
    },
  },
  lagHistogram: {
    data: [{ type: "histogram", x: hours.map((_, i) => 4 + ((i * 7919) % 97) / 6), name: "live" }],
    layout: {
      title: {
        text: "Nearly every event is in the online store within 20 ms",
        subtitle: { text: "Time from arrival to the online store, 72 micro-batches" },
      },
      xaxis: { title: "lag (ms)" },
      yaxis: { title: "micro-batches" },
    },
  },
  heatmap: {
    data: [{
      type: "heatmap",
      x: Array.from({ length: 24 }, (_, i) => i),
      y: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
      z: Array.from(
        { length: 7 },
        (_, day) =>
          Array.from(
            { length: 24 },
            (_, hour) => Math.round(900 * (1.1 + Math.sin((hour - 8) / 3.82)) * (1 - day / 20)),
          ),
      ),
      colorbar: { title: { text: "events" } },
    }],
    layout: {
      title: { text: "Monday afternoons are the busiest hours of the week" },
      xaxis: { title: "hour of day (UTC)", dtick: 3 },
      yaxis: { title: "", autorange: "reversed" },
    },
  },
  logScatter: {
    data: [{
      mode: "lines+markers",
      name: "model",
      x: [1, 10, 100, 1000, 10_000, 100_000],
      y: [0.9, 0.62, 0.4, 0.21, 0.11, 0.05],
    }],
    layout: {
      title: { text: "Precision falls by half for every ten times more rows" },
      xaxis: { title: "rows ranked highest", type: "log" },
      yaxis: { title: "precision", type: "log", tickformat: ".0%" },
      annotations: [{
        x: 2,
        y: Math.log10(0.4),
        ax: 60,
        ay: -50,
        text: "the hundred we would write to<br>buy in 40 % of cases",
        showarrow: true,
      }],
      shapes: [{
        type: "line",
        x0: 1,
        x1: 100_000,
        y0: 0.045,
        y1: 0.045,
        line: { dash: "dash", width: 1 },
      }],
    },
  },
  sankey: {
    data: [{
      type: "sankey",
      node: {
        label: ["view", "cart", "left after viewing", "purchase", "left with a full cart"],
        color: ["#0072B2", "#C98500", "#6F7A8A", "#009E73", "#6F7A8A"],
      },
      link: {
        source: [0, 0, 1, 1],
        target: [1, 2, 3, 4],
        value: [54, 200, 37, 17],
        color: ["#C9850066", "#6F7A8A44", "#009E7366", "#6F7A8A44"],
      },
    }],
    layout: { title: { text: "Two in three carts become a purchase" } },
  },
  subplots: {
    data: [
      {
        name: "historical",
        type: "bar",
        x: ["Sep", "Oct", "Nov", "Dec", "Jan"],
        y: [9, 14, 15, 17, 21],
      },
      { name: "live", type: "bar", x: ["Feb"], y: [19] },
      {
        name: "purchase rate",
        mode: "lines+markers",
        x: ["Sep", "Oct", "Nov", "Dec", "Jan", "Feb"],
        y: [4.1, 4.2, 4.9, 4.4, 4.6, 4.8],
        xaxis: "x2",
        yaxis: "y2",
        showlegend: false,
        line: { color: "#009E73" },
      },
    ],
    layout: {
      title: {
        text: "February is the live month",
        subtitle: { text: "Events (left) and purchases per 100 events (right), by month" },
      },
      xaxis: { domain: [0, 0.46] },
      xaxis2: { domain: [0.56, 1], anchor: "y2" },
      yaxis: { title: "events (10,000)" },
      yaxis2: { title: "purchases per 100 events", anchor: "x2", rangemode: "tozero" },
    },
  },
  linesWithLabels: labelEnds({
    data: [
      { name: "network", x: recall, y: recall.map((r) => 0.9 * (1 - r) ** 1.4 + 0.05) },
      { name: "logistic regression", x: recall, y: recall.map((r) => 0.7 * (1 - r) ** 1.7 + 0.05) },
      {
        name: "last event type",
        x: recall,
        y: recall.map((r) => 0.4 * (1 - r) ** 2 + 0.05),
        line: { dash: "dash" },
      },
    ],
    layout: {
      title: {
        text: "At half of all buyers found, every third person we would write to buys, which is " +
          "seven times the share among all carts of the test period",
        subtitle: {
          text:
            "Precision by recall on the test carts; the title and this line are long on purpose, " +
            "to show that both are wrapped to the width of the picture and nothing is cut off",
        },
      },
      xaxis: { title: "recall (share of buyers found)", tickformat: ".0%", range: [0, 1] },
      yaxis: { title: "precision", tickformat: ".0%", rangemode: "tozero" },
    },
  }),
  stacked: {
    data: ["bronze", "silver", "gold", "online"].map((name, layer) => ({
      type: "bar" as const,
      name,
      x: Array.from({ length: 12 }, (_, i) => i + 1),
      y: Array.from({ length: 12 }, (_, i) => 2 + layer + ((i * 7 + layer * 3) % 5)),
    })),
    layout: {
      title: "Half of each micro-batch's time goes into the online store",
      barmode: "stack",
      xaxis: { title: "micro-batch", dtick: 1 },
      yaxis: { title: "time (ms)" },
    },
  },
  smoothHeatmap: {
    data: [{
      type: "heatmap",
      zsmooth: "best",
      z: Array.from(
        { length: 20 },
        (_, y) => Array.from({ length: 30 }, (_, x) => Math.sin(x / 5) * Math.cos(y / 4)),
      ),
    }],
    layout: { title: "A smooth field is drawn pixel by pixel" },
  },
  boxes: {
    data: ["view", "cart", "purchase"].map((name, i) => ({
      type: "box" as const,
      name,
      y: hours.map((_, hour) => 20 + i * 15 + ((hour * 7919) % 53)),
    })),
    layout: {
      title: "Dearer products are carted and bought more often",
      yaxis: { title: "price (USD)" },
      showlegend: false,
    },
  },
};
