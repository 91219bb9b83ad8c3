import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { projectRoot } from "clickstream/config";
import { readEvents, type ReadOptions, type ReadResult } from "clickstream/events";
import { withHome } from "../support.ts";

const HEADER =
  "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session";
const ROW =
  "2020-09-24 11:57:06 UTC,view,1996170,2144415922528452715,electronics.telephone,,31.90," +
  "1515915625519388267,LJuJVLEjPT";

/** Runs `body` with a DuckDB connection and a function that writes and reads a file. */
async function withReader(
  body: (
    read: (content: string | Uint8Array, options?: ReadOptions) => Promise<ReadResult>,
    rows: (sql: string) => Promise<unknown[][]>,
    connection: DuckDBConnection,
    home: string,
  ) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const database = await DuckDBInstance.create(":memory:", { threads: "2" });
    const connection = await database.connect();
    let files = 0;
    try {
      await body(
        (content, options = {}) => {
          const file = join(home, `${++files}.csv`);
          writeFileSync(file, content);
          return readEvents(connection, file, { temporaryDirectory: home, ...options });
        },
        async (sql) => (await connection.runAndReadAll(sql)).getRowsJson() as unknown[][],
        connection,
        home,
      );
    } finally {
      connection.closeSync();
      database.closeSync();
    }
  });
}

const many = (count: number) => Array.from({ length: count }, () => ROW).join("\n") + "\n";

Deno.test("a row is read with its exact ids, nulls for empty fields, and its time in UTC", () =>
  withReader(async (read, rows) => {
    const result = await read(`${HEADER}\n${ROW}\n2020-09-24T13:57:06+02:00,cart,1,,,,,2,\n`);
    assert.deepEqual([result.rows, result.rejected], [2, 0]);
    assert.deepEqual(await rows(`FROM ${result.table}`), [
      [
        "2020-09-24 11:57:06",
        "view",
        "1996170",
        "2144415922528452715",
        "electronics.telephone",
        null,
        31.9,
        "1515915625519388267",
        "LJuJVLEjPT",
        "1",
      ],
      ["2020-09-24 11:57:06", "cart", "1", null, null, null, null, "2", null, "2"],
    ]);
  }));

Deno.test("the real sample is read whole, gzipped", () =>
  withReader(async (_read, rows, connection) => {
    const file = join(projectRoot, "data/rees46-2019-10-01.csv.gz");
    const result = await readEvents(connection, file);
    assert.deepEqual([result.rows, result.rejected], [17434, 0]);
    const types = await rows(
      `SELECT event_type, count(*)::INT FROM ${result.table} GROUP BY 1 ORDER BY 1`,
    );
    assert.deepEqual(types, [["cart", 165], ["purchase", 214], ["view", 17055]]);
  }));

Deno.test("source_row follows the file's order", () =>
  withReader(async (read, rows) => {
    const lines = Array.from({ length: 300000 }, (_, i) =>
      `2020-09-24 11:57:06 UTC,view,${i + 1},,,,1,2,s`);
    const { table } = await read(`${HEADER}\n${lines.join("\n")}\n`);
    assert.deepEqual(await rows(`SELECT bool_and(product_id = source_row) FROM ${table}`), [[
      true,
    ]]);
  }));

Deno.test("rows that cannot be read are kept with line, text and reason", () =>
  withReader(async (read, rows) => {
    const bad: [string, RegExp][] = [
      ["2020-09-24 11:57:06 UTC,view,1", /^3 columns, expected 9$/],
      [`${ROW},more`, /^10 columns, expected 9$/],
      [ROW.replace("2020-09-24", "2020-02-30"), /^event_time is not a time: 2020-02-30/],
      [ROW.replace("2020-09-24 11:57:06 UTC", "epoch"), /^event_time is not a time: epoch$/],
      [ROW.replace("2020-09-24 11:57:06 UTC", ""), /^event_time is empty$/],
      [ROW.replace("view", ""), /^event_type is empty$/],
      [ROW.replace("1996170", "1.5"), /^product_id is not a whole number of 64 bits: 1.5$/],
      [ROW.replace("1996170", "1e3"), /^product_id/],
      [ROW.replace("1515915625519388267", "9223372036854775808"), /^user_id is not a whole/],
      [ROW.replace("1515915625519388267", ""), /^user_id is empty$/],
      [ROW.replace("2144415922528452715", "x"), /^category_id/],
      [ROW.replace("31.90", "dear"), /^price is not a number: dear$/],
      [ROW.replace("31.90", "nan"), /^price/],
      [ROW.replace("LJuJVLEjPT", '"open'), /^a quote is opened and not closed$|^text follows/],
      [ROW.replace("electronics.telephone", '"a"b'), /^text follows a closing quote$/],
    ];
    const lines = bad.flatMap(([line]) => [ROW, line]);
    const result = await read(`${HEADER}\r\n\r\n${lines.join("\r\n")}\r\n${ROW}\r\n`, {
      maxRejectShare: 1,
    });
    assert.deepEqual([result.rows, result.rejected], [bad.length + 1, bad.length]);
    const kept = await rows(`SELECT line::INT, raw, reason FROM ${result.rejects} ORDER BY line`);
    bad.forEach(([raw, reason], index) => {
      assert.deepEqual(kept[index]!.slice(0, 2), [4 + 2 * index, raw]);
      assert.match(String(kept[index]![2]), reason);
    });
  }));

Deno.test("quoted fields may hold delimiters, quotes and line ends, and lines are still counted", () =>
  withReader(async (read, rows) => {
    const quoted = ROW.replace("electronics.telephone", '"a,""b""\nc"');
    const content = `${HEADER}\n${quoted}\nbad\n${ROW}`;
    const result = await read(content, { maxRejectShare: 1 });
    const codes = await rows(`SELECT category_code FROM ${result.table}`);
    assert.deepEqual(codes, [['a,"b"\nc'], ["electronics.telephone"]]);
    assert.deepEqual(await rows(`SELECT line::INT, raw FROM ${result.rejects}`), [[4, "bad"]]);
  }));

Deno.test("more than one row in a hundred stops the load with counts and examples", () =>
  withReader(async (read, rows) => {
    await read(`${HEADER}\n${many(99)}bad\n`);
    await assert.rejects(read(`${HEADER}\n${many(98)}bad\nworse\n`), {
      name: "SchemaError",
      message:
        /^2 of 100 rows of .*2\.csv cannot be read, more than the 1 % allowed \(line 100: 1 columns, expected 9; line 101: .*\): mend the file/,
    });
    const left = await rows(
      "SELECT count(*)::INT FROM duckdb_tables() WHERE table_name LIKE '%_2%'",
    );
    assert.deepEqual(left, [[0]]);
  }));

Deno.test("a file's own columns and event types are mapped", () =>
  withReader(async (read, rows) => {
    const content = "id;action;ts;who;extra\n5;add_to_cart;2020-01-01T00:00:00Z;7;x\n" +
      "5;order;2020-01-01T00:00:01Z;7;x\n5;wish;2020-01-01T00:00:02Z;7;x\n";
    const mapping = "event_time=ts,event_type=action,product_id=id,user_id=who,category_id=," +
      "category_code=,brand=,price=,user_session=,cart=add_to_cart|basket,purchase=order";
    const result = await read(content, { mapping });
    assert.deepEqual(
      await rows(`SELECT event_type, product_id, user_id, price FROM ${result.table}`),
      [["cart", "5", "7", null], ["purchase", "5", "7", null], ["wish", "5", "7", null]],
    );
  }));

Deno.test("a wrong file is one clear sentence", () =>
  withReader(async (read, _rows, connection, home) => {
    const gz = gzipSync(`${HEADER}\n${many(5000)}`);
    const cases: [string | Uint8Array, string, RegExp][] = [
      ["", "SchemaError", /is empty: expected a CSV file with a header line\.$/],
      [`${HEADER}\n`, "SchemaError", /has a header and no rows/],
      ["a,b\n1,2\n", "SchemaError", /lacks event_time, .*it has: a, b\. Name .*--map/],
      [`${HEADER},price\n`, "SchemaError", /has the column "price" twice/],
      [gz.subarray(0, gz.length - 9), "SchemaError", /is damaged or cut off .*again\.$/],
      [new Uint8Array([...gz.subarray(0, 60), 1, 2, 3]), "SchemaError", /is damaged or cut off/],
      [new Uint8Array([0xFF, 0xFE, 0x65, 0]), "SchemaError", /is UTF-16 text/],
      [new Uint8Array([0x65, 0xE9, 10]), "SchemaError", /is not UTF-8 text/],
      [new Uint8Array([0x50, 0x4B, 3, 4, 0]), "SchemaError", /is damaged or cut off/],
      [new Uint8Array([0x28, 0xB5, 0x2F, 0xFD]), "SchemaError", /packed with zstd/],
    ];
    for (const [content, name, message] of cases) {
      await assert.rejects(read(content), (error: Error) => {
        assert.equal(error.name, name);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    }
    await assert.rejects(readEvents(connection, join(home, "none.csv")), {
      name: "NotFoundError",
      message: /none\.csv does not exist: check the path\.$/,
    });
    await assert.rejects(readEvents(connection, home), { name: "NotFoundError" });
  }));

Deno.test("rows in another encoding are rejects", () =>
  withReader(async (read, rows) => {
    const latin = new Uint8Array([...new TextEncoder().encode(`${HEADER}\n${many(200)}`)]);
    latin[latin.length - 3] = 0xE9;
    const result = await read(latin);
    assert.deepEqual(await rows(`SELECT line::INT, reason FROM ${result.rejects}`), [
      [201, "it is not UTF-8 text"],
    ]);
  }));

Deno.test("unpacking to a full or missing folder says so", () =>
  withReader(async (read, _rows, _connection, home) => {
    await assert.rejects(
      read(gzipSync(`${HEADER}\n${ROW}\n`), { temporaryDirectory: join(home, "none") }),
      { name: "ClickstreamError", message: /^Cannot write to .*none to unpack/ },
    );
  }));

/** A zip archive of files, as Kaggle packs them. */
function zipOf(files: Record<string, string>, change: { crc?: number } = {}): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const packed = deflateRawSync(text);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(change.crc ?? crc32(text), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(Buffer.byteLength(text), 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    const version = Buffer.from([20, 0]);
    directory.push(Buffer.from("PK\x01\x02"), version, fields, rest, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(entries.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, entries, Buffer.from("PK\x05\x06"), end]);
}

Deno.test("a zip with one CSV file is read, whatever else is in it", () =>
  withReader(async (read, _rows, _connection, home) => {
    const table = `${HEADER}\n${many(5000)}`;
    const result = await read(
      zipOf({ "__MACOSX/._events.csv": "x", "readme.txt": "y", "events.csv": table }),
    );
    assert.equal(result.rows, 5000);
    assert.deepEqual(readdirSync(home), ["1.csv"]);
  }));

Deno.test("a zip that is damaged or unclear is one clear sentence, and leaves no file behind", () =>
  withReader(async (read, _rows, _connection, home) => {
    const table = `${HEADER}\n${many(5000)}`;
    const whole = zipOf({ "events.csv": table });
    const cases: [Uint8Array, RegExp][] = [
      [whole.subarray(0, whole.length - 30), /is damaged or cut off/],
      [zipOf({ "events.csv": table }, { crc: 1 }), /The checksum in .* does not match/],
      [
        zipOf({ "a.csv": table, "b.csv": table }),
        /not hold exactly one CSV file \(it holds a\.csv, b\.csv\)/,
      ],
      [zipOf({ "a.txt": table }), /does not hold exactly one CSV file/],
    ];
    for (const [content, message] of cases) {
      await assert.rejects(read(content), { name: "SchemaError", message });
    }
    assert.deepEqual(readdirSync(home).length, cases.length);
  }));

Deno.test("splitting by hand agrees with DuckDB on any table of texts", () =>
  withReader(async (read, rows) => {
    const cell = fc.string({
      unit: fc.constantFrom("a", ",", '"', "\n", "\r\n", " ", "é", "x"),
      maxLength: 6,
    });
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const property = fc.asyncProperty(
      fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 }),
      async (cells) => {
        const lines = cells.map(([code, brand]) =>
          `2020-09-24 11:57:06 UTC,view,1,2,${quote(code)},${quote(brand)},1,2,s`
        );
        // One bad row at the end sends the whole file through the slow path.
        const result = await read(`${HEADER}\n${lines.join("\n")}\nbad\n`, { maxRejectShare: 1 });
        const found = await rows(
          `SELECT coalesce(category_code, ''), coalesce(brand, '') FROM ${result.table} ORDER BY source_row`,
        );
        assert.deepEqual(found, cells.map(([code, brand]) => [code, brand]));
        const place = cells.flat().join("").split("\n").length + cells.length + 1;
        assert.deepEqual(await rows(`SELECT line::INT, raw FROM ${result.rejects}`), [[
          place,
          "bad",
        ]]);
        await result.release();
      },
    );
    await fc.assert(property, { numRuns: 40 });
  }));
