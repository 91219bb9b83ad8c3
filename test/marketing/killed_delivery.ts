import process from "node:process";
import { deliver } from "clickstream/marketing";
import { hitFile } from "./support.ts";

/** Delivers a file and dies by SIGKILL before the next. */
const [landing, hour] = Deno.args as [string, string];
deliver(
  landing,
  hour,
  "omniture",
  function* () {
    yield hitFile([{ ts: "2010-12-01 08:10:00", userid: "1" }], "first.tsv");
    process.kill(process.pid, "SIGKILL");
  }(),
);
