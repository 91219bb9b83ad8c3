import assert from "node:assert/strict";
import { readOptions } from "../../lib/job/command/options.ts";

Deno.test("options are read, with or without the leading --", () => {
  const expected = {
    ...readOptions([]),
    data: "sample",
    size: 50_000,
    speed: "max",
    only: ["0a", "0b"],
    parameters: { name: "a=b" },
  };
  const args = ["--data", "sample", "--size=50_000", "--speed", "max", "--only", "0a, 0b"];
  assert.deepEqual(readOptions([...args, "--param", "name=a=b"]), expected);
  assert.deepEqual(readOptions(["--", ...args, "--param", "name=a=b"]), expected);
});

Deno.test("a path of one's own becomes absolute", () => {
  const folder = new URL(".", import.meta.url).pathname;
  assert.equal(readOptions(["--data", "options.test.ts"], folder).data, `${folder}options.test.ts`);
});

Deno.test("a cutoff without a zone is UTC", () => {
  assert.equal(readOptions(["--cutoff", "2021-02-01T03:00:00"]).cutoff, "2021-02-01T03:00:00.000Z");
  assert.equal(readOptions(["--cutoff", "2021-02-01"]).cutoff, "2021-02-01T00:00:00.000Z");
});

for (
  const [args, message] of [
    [["--sizes", "3"], /no option "--sizes"; the options are --data/],
    [["more"], /no option "more"/],
    [["--size"], /--size needs a value/],
    [["--size", "0"], /--size takes a whole number/],
    [["--data", "nothing.csv"], /no file at .*nothing\.csv/],
    [["--cutoff", "soon"], /--cutoff takes a time/],
    [["--speed", "fast"], /--speed takes a number/],
    [["--profile", "aws"], /--profile is local or azure/],
    [["--param", "x"], /--param takes name=value/],
    [["--list=yes"], /--list takes no value/],
  ] as [string[], RegExp][]
) {
  Deno.test(`"${args.join(" ")}" is refused in one sentence`, () => {
    assert.throws(() => readOptions(args), (error: Error) => {
      assert.equal(error.name, "ConfigError");
      assert.match(error.message, message);
      return !error.message.includes("\n");
    });
  });
}
