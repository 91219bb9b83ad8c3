import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { generateShop, readEvents, resolveSource, type Shop } from "clickstream/events";
import { withHome } from "../support.ts";
import { type Figure, FIGURES } from "./shop_figures.ts";

const FULL = 885_129;

async function withShop(
  events: number,
  seed: number,
  body: (connection: DuckDBConnection, shop: Shop) => Promise<void>,
): Promise<void> {
  await withHome(async (directory) => {
    const shop = await generateShop({ events, seed, directory });
    const database = await DuckDBInstance.create(":memory:", { threads: "2" });
    const connection = await database.connect();
    try {
      await readEvents(connection, shop.file, { table: "events" });
      await connection.run(VIEWS);
      await body(connection, shop);
    } finally {
      connection.closeSync();
      database.closeSync();
    }
  });
}

/** Sessions (of one user) in the order of their first event, and their session-products. */
const VIEWS = `
  CREATE TEMP TABLE sessions AS
  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY first_time) AS turn,
    first_time - min(first_time) OVER (PARTITION BY user_id) AS after
  FROM (
    SELECT user_id, user_session, count(*) AS events,
      count(*) FILTER (event_type = 'view') AS views,
      count(*) FILTER (event_type = 'cart') AS carts,
      count(*) FILTER (event_type = 'purchase') AS purchases,
      min(event_time) AS first_time, max(event_time) AS last_time
    FROM events WHERE user_session IS NOT NULL GROUP BY ALL
  );
  CREATE TEMP TABLE items AS
  SELECT user_id, user_session, product_id,
    any_value(price) AS price, any_value(category_code) AS code,
    min(event_time) FILTER (event_type = 'view') AS viewed,
    min(event_time) FILTER (event_type = 'cart') AS carted,
    min(event_time) FILTER (event_type = 'purchase') AS bought
  FROM events WHERE user_session IS NOT NULL GROUP BY ALL;`;

async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  return (await connection.runAndReadAll(sql)).getRowsJson()[0]!.map(Number);
}

/** The figures that are too far off, each in a line; all are computed in one statement. */
async function misses(connection: DuckDBConnection, figures: Figure[]): Promise<string[]> {
  const found = await numbers(
    connection,
    `SELECT ${figures.map(({ sql }) => `(${sql})::DOUBLE`).join(", ")}`,
  );
  return figures.flatMap(({ name, target, within }, index) => {
    const off = found[index]! / target - 1;
    if (Math.abs(off) <= within + 1e-12) return [];
    const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
    return [
      `${name}: ${found[index]} for ${target}, off by ${percent(off)}, allowed ${percent(within)}`,
    ];
  });
}

Deno.test("at full size the shop has the published set's figures", async (test) => {
  await withShop(FULL, 1, async (connection) => {
    for (const [theme, figures] of Object.entries(FIGURES)) {
      await test.step(theme, async () => {
        assert.deepEqual(await misses(connection, figures), []);
      });
    }
    await test.step("first and last event, favourites and the size of ids", async () => {
      const ends = await connection.runAndReadAll(
        "SELECT min(event_time)::VARCHAR, max(event_time)::VARCHAR, bool_and(user_id > 2::BIGINT ** 53) FROM events",
      );
      assert.deepEqual(ends.getRowsJson(), [["2020-09-24 11:57:06", "2021-02-28 23:59:09", true]]);
      const [first] = await numbers(
        connection,
        "SELECT 100 * count(*) / 885129 AS share FROM events GROUP BY product_id ORDER BY 1 DESC LIMIT 1",
      );
      assert.ok(first! > 1.5 && first! < 1.8, `favourite has ${first} %`);
    });
  });
});

Deno.test("a small shop keeps the ratios, spans all months and has enough buyers", async () => {
  for (const [events, seed] of [[50_000, 3], [200_000, 5]] as const) {
    await withShop(events, seed, async (connection) => {
      const scale = events / FULL;
      const kept = Object.values(FIGURES).flat().filter(({ name }) =>
        /^(events a|(view|cart|purchase)s$|users$|session strings$|products$|session-products|viewed|sessions with|rows without a [cb]|users with several)/
          .test(name)
      ).map((figure) => ({
        ...figure,
        target: figure.target < 10 ? figure.target : figure.target * scale,
        within: figure.within + 0.05,
      }));
      assert.ok(kept.length > 15);
      assert.deepEqual(await misses(connection, kept), []);
      const [months, buyers] = await numbers(
        connection,
        "SELECT count(DISTINCT strftime(event_time, '%Y-%m')), " +
          "count(*) FILTER (event_type = 'purchase' AND event_time >= '2021-02-01') FROM events",
      );
      assert.equal(months, 6);
      assert.ok(buyers! > 7000 * scale, `${buyers} purchases in February`);
    });
  }
});

Deno.test("the same seed gives the same bytes, another seed another shop", () =>
  withHome(async (home) => {
    const hash = async (seed: number, folder: string) => {
      const { file } = await generateShop({ events: 20_000, seed, directory: join(home, folder) });
      return createHash("sha256").update(readFileSync(file)).digest("hex");
    };
    const first = await hash(1, "a");
    assert.equal(await hash(1, "b"), first);
    assert.notEqual(await hash(2, "c"), first);
  }));

Deno.test("rows look like the published ones, in the order of time", () =>
  withHome(async (directory) => {
    const { file } = await generateShop({ events: 20_000, seed: 1, directory });
    const [header, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
    assert.equal(
      header,
      "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session",
    );
    assert.equal(lines.length, 20_000);
    const form =
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC,(view|cart|purchase),\d+,\d{19},([a-z_]+(\.[a-z_]+)*)?,[a-z0-9]*,\d+\.\d\d,1515915625\d{9},([A-Za-z0-9]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/;
    for (const line of lines) assert.match(line, form);
    const times = lines.map((line) => line.slice(0, 19));
    assert.deepEqual(times, times.toSorted());
    const uuids = lines.filter((line) => /-[0-9a-f]{12}$/.test(line)).length;
    assert.ok(uuids > 0 && uuids < 2000, `${uuids} rows with a UUID`);
  }));

Deno.test("the truth covers every session-product and is calibrated", () =>
  withShop(100_000, 1, async (connection, shop) => {
    await connection.run(`CREATE TEMP VIEW truth AS FROM '${shop.truth}'`);
    const [uncovered, cross] = await numbers(
      connection,
      `SELECT count(*) FILTER (truth.product_id IS NULL),
         count(*) FILTER ((items.bought IS NOT NULL) <> (truth.bought = 1))
       FROM items LEFT JOIN truth USING (user_id, user_session, product_id)`,
    );
    assert.equal(uncovered, 0);
    assert.ok(
      cross! < 10,
      `${cross} outcomes differ, more than the rows without a session explain`,
    );
    const deciles = await connection.runAndReadAll(
      `SELECT avg(purchase_probability), avg(bought) FROM (
         SELECT *, ntile(10) OVER (ORDER BY purchase_probability) AS tenth FROM truth
       ) GROUP BY tenth ORDER BY tenth`,
    );
    for (const [expected, found] of deciles.getRowsJson() as [number, number][]) {
      assert.ok(Math.abs(expected - found) < 0.006 + 0.12 * expected, `${found} for ${expected}`);
    }
    const [low, high, margin] = await numbers(
      connection,
      "SELECT min(discount_response), max(purchase_probability), min(margin) FROM truth",
    );
    assert.ok(low! > 0 && high! < 1 && margin! > 0);
  }));

Deno.test("a shop already generated is taken as it is, and a broken one leaves nothing", () =>
  withHome(async (home) => {
    const options = { data: "synthetic", size: 5000, seed: 9 };
    const source = await resolveSource({ home }, options);
    assert.equal(source.kind, "synthetic");
    assert.equal(source.cutoff?.toISOString(), "2021-02-01T00:00:00.000Z");
    writeFileSync(source.file, "kept");
    assert.deepEqual(await resolveSource({ home }, options), source);
    assert.equal(readFileSync(source.file, "utf8"), "kept");
    const blocked = join(home, "file");
    writeFileSync(blocked, "");
    await assert.rejects(generateShop({ events: 5000, seed: 9, directory: join(blocked, "x") }), {
      name: "ClickstreamError",
      message: /cannot be written to .*free space or choose another home/,
    });
    const left = readdirSync(join(home, "downloads")).filter((name) => name.endsWith(".part"));
    assert.deepEqual(left, []);
  }));

Deno.test("sources are told apart, and a wrong one is one clear sentence", () =>
  withHome(async (home) => {
    const sample = await resolveSource({ home }, { data: "sample" });
    assert.equal(sample.cutoff?.toISOString(), "2019-10-01T02:40:00.000Z");
    assert.ok(existsSync(sample.file));
    const own = join(home, "own.csv");
    writeFileSync(own, "x");
    assert.deepEqual(await resolveSource({ home }, { data: own }), {
      kind: "file",
      file: own,
      cutoff: null,
    });
    await assert.rejects(resolveSource({ home }, { data: "syntetic" }), {
      name: "NotFoundError",
      message: /^--data syntetic is neither synthetic, sample or electronics, nor a file/,
    });
    for (const size of [0, 1.5, NaN, -3]) {
      await assert.rejects(resolveSource({ home }, { size }), { name: "ConfigError" });
    }
  }));
