import assert from "node:assert/strict";
import fc from "fast-check";
import { parseQuery } from "../../../lib/emulators/cosmos/query/parser.ts";
import { planQuery } from "../../../lib/emulators/cosmos/query/plan.ts";

/** What an expression is worth; `undefined` where the service answers nothing. */
function valueOf(expression: string): unknown {
  return planQuery(parseQuery(`select value ${expression}`), new Map()).run([])[0];
}

/** Expressions and their values, by what they are about. */
const FUNCTIONS: Record<string, [string, unknown][]> = {
  "mathematics": [
    ["abs(-3.5)", 3.5],
    ["round(acos(-1) - pi(), 9)", 0],
    ["round(asin(1) * 2 - pi(), 9)", 0],
    ["round(atan(1) * 4 - pi(), 9)", 0],
    ["round(atn2(-1, -1) * 4 / pi(), 9)", -3],
    ["ceiling(-1.2)", -1],
    ["cos(0)", 1],
    ["round(cot(pi() / 4), 9)", 1],
    ["degrees(pi())", 180],
    ["exp(0)", 1],
    ["floor(-1.2)", -2],
    ["log(1)", 0],
    ["log(8, 2)", 3],
    ["log(1000, 10)", 3],
    ["log10(0.01)", -2],
    ["power(2, 10)", 1024],
    ["radians(180) = pi()", true],
    ["rand() < 1 and rand() >= 0", true],
    ["round(2.345, 2)", 2.35],
    ["sign(-7)", -1],
    ["round(sin(pi() / 6), 9)", 0.5],
    ["sqrt(81)", 9],
    ["sqrt(-1)", undefined],
    ["square(-4)", 16],
    ["round(tan(pi() / 4), 9)", 1],
    ["trunc(-1.7)", -1],
    ["numberbin(37.7, 5)", 35],
    ["numberbin(37.7)", 37],
    ["abs('3')", undefined],
  ],
  "64-bit integers": [
    ["intadd(4, -9)", -5],
    ["intsub(4, 9)", -5],
    ["intmul(-4, 9)", -36],
    ["intdiv(-9, 4)", -2],
    ["intdiv(9, 0)", undefined],
    ["intmod(-9, 4)", -1],
    ["intmod(9, 0)", undefined],
    ["intadd(1, 0.5)", undefined],
    ["intbitand(12, 10)", 8],
    ["intbitor(12, 10)", 14],
    ["intbitxor(12, 10)", 6],
    ["intbitnot(12)", -13],
    ["intbitleftshift(3, 40)", 3 * 2 ** 40],
    ["intbitleftshift(1, 63)", -(2 ** 63)],
    ["intbitrightshift(-16, 2)", -4],
    ["intbitleftshift(1, 64)", undefined],
    ["intbitleftshift(1, -1)", undefined],
  ],
  "texts": [
    ["concat('a', 'b', 'c')", "abc"],
    ["concat('a', 1)", undefined],
    ["contains('Basket', 'ask')", true],
    ["contains('Basket', 'ASK')", false],
    ["contains('Basket', 'ASK', true)", true],
    ["startswith('Basket', 'Bas')", true],
    ["endswith('Basket', 'KET', true)", true],
    ["stringequals('A', 'a')", false],
    ["stringequals('A', 'a', true)", true],
    ["index_of('banana', 'an')", 1],
    ["index_of('banana', 'an', 2)", 3],
    ["index_of('banana', 'x')", -1],
    ["left('basket', 3)", "bas"],
    ["right('basket', 3)", "ket"],
    ["right('basket', 0)", ""],
    ["length('basket')", 6],
    ["lower('BaSket')", "basket"],
    ["upper('BaSket')", "BASKET"],
    ["ltrim('  a ')", "a "],
    ["rtrim('  a ')", "  a"],
    ["trim('  a ')", "a"],
    ["trim('xyaxyxb', 'xy')", "axyxb"],
    ["ltrim('00120', '0')", "120"],
    ["rtrim('1200', '0')", "12"],
    ["trim('aaa', 'a')", ""],
    ["trim('a', 1)", undefined],
    ["replace('banana', 'an', 'o')", "booa"],
    ["replicate('ab', 3)", "ababab"],
    ["replicate('ab', -1)", undefined],
    ["reverse('abc')", "cba"],
    ["substring('basket', 2, 3)", "ske"],
    ["regexmatch('item-42', '^item-[0-9]+$')", true],
    ["regexmatch('ITEM', 'item', 'i')", true],
    ["regexmatch('item', 'it em', 'x')", true],
    ["stringsplit('a,b,,c', ',')", ["a", "b", "", "c"]],
    ["stringjoin(['a', 'b'], '-')", "a-b"],
    ["tostring(1.5)", "1.5"],
    ["tostring(['a', 1])", '["a",1]'],
    ["stringtonumber(' -1.5e3 ')", -1500],
    ["stringtonumber('one')", undefined],
    ["stringtoboolean('false')", false],
    ["stringtonull('null')", null],
    ["stringtoarray('[1,[2]]')", [1, [2]]],
    ['stringtoobject(\'{"a":{"b":1}}\')', { a: { b: 1 } }],
    ["stringtoobject('[1]')", undefined],
    ["'a' || 'b'", "ab"],
  ],
  "arrays and objects": [
    ["array_concat([1], [2, 3], [])", [1, 2, 3]],
    ["array_concat([1], 2)", undefined],
    ["array_contains([1, {'a': 1}], {'a': 1})", true],
    ["array_contains([{'a': 1, 'b': 2}], {'a': 1})", false],
    ["array_contains([{'a': 1, 'b': 2}], {'a': 1}, true)", true],
    ["array_contains_any([1, 2], 7, 2)", true],
    ["array_contains_all([1, 2], 1, 2)", true],
    ["array_contains_all([1, 2], 1, 7)", false],
    ["array_length([1, 2, 3])", 3],
    ["array_slice([1, 2, 3, 4], 1, 2)", [2, 3]],
    ["array_slice([1, 2, 3, 4], -2)", [3, 4]],
    ["array_slice([1, 2, 3, 4], -3, 2)", [2, 3]],
    ["choose(2, 'a', 'b')", "b"],
    ["choose(3, 'a', 'b')", undefined],
    ["objecttoarray({'a': 1})", [{ k: "a", v: 1 }]],
    ["objecttoarray({'a': 1}, 'name')", [{ name: "a", v: 1 }]],
    ["objecttoarray({'a': 1}, 'name', 'worth')", [{ name: "a", worth: 1 }]],
    ["setintersect([1, 2, 3], [3, 1, 1])", [3, 1]],
    ["setunion([1, 2], [2, {'a': 1}, {'a': 1}])", [1, 2, { a: 1 }]],
  ],
  "types": [
    ["is_array([])", true],
    ["is_bool(false)", true],
    ["is_defined(undefined)", false],
    ["is_defined(null)", true],
    ["is_finite_number(1e300)", true],
    ["is_integer(4.0)", true],
    ["is_integer(4.5)", false],
    ["is_integer(1e19)", false],
    ["is_null(null)", true],
    ["is_number('1')", false],
    ["is_object({})", true],
    ["is_object([])", false],
    ["is_primitive(null)", true],
    ["is_primitive([])", false],
    ["is_string('')", true],
    ["iif(1 = 1, 'yes', 'no')", "yes"],
    ["iif('text', 'yes', 'no')", "no"],
  ],
  "time": [
    ["datetimeadd('ns', 300, '2024-02-29T12:00:00Z')", "2024-02-29T12:00:00.0000003Z"],
    ["datetimeadd('mcs', -1, '2024-03-01')", "2024-02-29T23:59:59.9999990Z"],
    ["datetimeadd('yyyy', 1, '2024-02-29T01:02:03.1234567Z')", "2025-02-28T01:02:03.1234567Z"],
    ["datetimeadd('month', -1, '2024-03-31T00:00:00Z')", "2024-02-29T00:00:00.0000000Z"],
    ["datetimeadd('day', 0.5, '2024-03-31')", undefined],
    ["datetimeadd('week', 1, '2024-03-31')", undefined],
    ["datetimeadd('yyyy', 9000, '2024-03-31')", undefined],
    ["datetimeadd('yyyy', 900000000, '2024-03-31')", undefined],
    ["datetimebin('2024-05-06T07:08:09.1234567Z', 'mi', 15)", "2024-05-06T07:00:00.0000000Z"],
    ["datetimebin('2024-05-06T07:08:09.1234567Z', 'mcs', 10)", "2024-05-06T07:08:09.1234500Z"],
    ["datetimebin('2024-05-06', 'd', 7, '2024-05-05')", "2024-05-05T00:00:00.0000000Z"],
    ["datetimebin('1969-12-31T23:00:00Z', 'd')", "1969-12-31T00:00:00.0000000Z"],
    ["datetimediff('d', '2024-02-28T23:59:59Z', '2024-03-01T00:00:00Z')", 2],
    ["datetimediff('mm', '2024-12-31', '2025-01-01')", 1],
    ["datetimediff('yyyy', '2025-01-01', '2024-12-31')", -1],
    ["datetimediff('ns', '2024-01-01T00:00:00.0000001Z', '2024-01-01T00:00:00.0000004Z')", 300],
    ["datetimefromparts(2024, 2, 29, 23, 59, 58, 7654321)", "2024-02-29T23:59:58.7654321Z"],
    ["datetimefromparts(2023, 2, 29)", undefined],
    ["datetimefromparts(2023, 13, 1)", undefined],
    ["datetimefromparts(2023, 1, 1, 24)", undefined],
    ["datetimepart('mcs', '2024-05-06T07:08:09.1234567Z')", 123_456],
    ["datetimepart('ns', '2024-05-06T07:08:09.1234567Z')", 123_456_700],
    ["datetimepart('ms', '1960-05-06T07:08:09.1234567Z')", 123],
    ["datetimepart('hh', '2024-05-06T23:08:09+02:00')", 21],
    ["datetimetoticks('1970-01-01T00:00:01.0000001Z')", 10_000_001],
    ["datetimetotimestamp('1969-12-31T23:59:59.9999999Z')", -1],
    ["datetimetotimestamp('yesterday')", undefined],
    ["tickstodatetime(10000001)", "1970-01-01T00:00:01.0000001Z"],
    ["tickstodatetime(-1)", "1969-12-31T23:59:59.9999999Z"],
    ["timestamptodatetime(1e17)", undefined],
    ["timestamptodatetime(-62135596800001)", undefined],
    ["timestamptodatetime(-62135596800000)", "0001-01-01T00:00:00.0000000Z"],
    ["datetimetotimestamp(getcurrentdatetime()) - getcurrenttimestamp() <= 0", true],
    ["getcurrentticks() / 10000 >= getcurrenttimestampstatic()", true],
    ["getcurrentdatetimestatic() <= getcurrentdatetime()", true],
    ["getcurrentticksstatic() <= getcurrentticks()", true],
  ],
};

for (const [about, cases] of Object.entries(FUNCTIONS)) {
  Deno.test(`functions of ${about}`, () => {
    for (const [expression, value] of cases) {
      assert.deepEqual(valueOf(expression), value, expression);
    }
  });
}

Deno.test("a moment is the same in ticks, in milliseconds and as a text", () => {
  const moments = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
  fc.assert(fc.property(moments, fc.nat(9999), (milliseconds, rest) => {
    const text = new Date(milliseconds).toISOString()
      .replace("Z", `${String(rest).padStart(4, "0")}Z`);
    assert.equal(valueOf(`datetimetotimestamp('${text}')`), milliseconds);
    assert.equal(valueOf(`datetimebin('${text}', 'ns', 100)`), text);
    assert.equal(valueOf(`datetimeadd('ns', ${-rest * 100}, '${text}')`), iso(milliseconds));
    assert.equal(valueOf(`timestamptodatetime(${milliseconds})`), iso(milliseconds));
  }));
});

Deno.test("what DateTimeAdd adds, DateTimeDiff counts", () => {
  const start = "2024-02-29T12:34:56.7890123Z";
  const parts = fc.constantFrom("year", "month", "day", "hh", "mi", "ss", "ms", "mcs");
  fc.assert(fc.property(parts, fc.integer({ min: -1500, max: 1500 }), (part, n) => {
    assert.equal(
      valueOf(`datetimediff('${part}', '${start}', datetimeadd('${part}', ${n}, '${start}'))`),
      n,
    );
  }));
});

Deno.test("a static time is one for all rows of a query", () => {
  const rows = Array.from({ length: 50_000 }, (_, i) => ({ id: String(i) }));
  const query = "select distinct value getcurrentticksstatic() from c";
  assert.equal(planQuery(parseQuery(query), new Map()).run(rows).length, 1);
});

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "0000Z");
}
