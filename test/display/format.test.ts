import assert from "node:assert/strict";
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatTime,
  formatValue,
} from "clickstream/display";

Deno.test("numbers have separators, and four digits where they are small", () => {
  const cases: [number | bigint, string][] = [
    [885_129, "885,129"],
    [9_007_199_254_740_993n, "9,007,199,254,740,993"],
    [0.047123, "0.04712"],
    [31.456, "31.46"],
    [12_345.678, "12,345.7"],
    [0.00001234, "1.23e-5"],
    [-0.5, "-0.5"],
    [0, "0"],
    [Infinity, "∞"],
  ];
  for (const [value, text] of cases) assert.equal(formatNumber(value), text);
});

Deno.test("durations read as people say them", () => {
  const cases: [number, string][] = [
    [0.00085, "0.85 ms"],
    [0.85, "850 ms"],
    [4.21, "4.2 s"],
    [59.96, "1 min 00 s"],
    [185, "3 min 05 s"],
    [3599.7, "1 h 00 min"],
    [7620, "2 h 07 min"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text);
});

Deno.test("bytes have binary units", () => {
  assert.deepEqual([512, 1536, 207e6].map(formatBytes), ["512 B", "1.5 KiB", "197.4 MiB"]);
});

Deno.test("times are UTC, without what is zero", () => {
  const times = ["2020-10-01T00:00:00Z", "2020-10-01T06:30:00Z", "2020-10-01T06:30:00.250Z"];
  assert.deepEqual(times.map((time) => formatTime(new Date(time))), [
    "2020-10-01",
    "2020-10-01 06:30:00",
    "2020-10-01 06:30:00.250",
  ]);
});

Deno.test("a format is by name, by decimals or a function", () => {
  assert.equal(formatValue(0.0471, "percent"), "4.7 %");
  assert.equal(formatValue(12345n, "id"), "12345");
  assert.equal(formatValue(1234.5, { decimals: 2 }), "1,234.50");
  assert.equal(formatValue(new Date("2021-02-01T10:00:00Z"), "date"), "2021-02-01");
  assert.equal(formatValue("view", (value) => `<${value}>`), "<view>");
  assert.equal(formatValue(null, "percent"), "–");
});
