import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "clickstream/config";
import { formatMarkdown } from "../../lib/metrics/commands/dictionary.ts";
import { dictionaryText } from "../../lib/metrics/dictionary.ts";

Deno.test("the data dictionary is what the definitions say: deno task dictionary", async () => {
  const written = await Deno.readTextFile(join(projectRoot, "docs/data-dictionary.md"));
  assert.equal(written, await formatMarkdown(dictionaryText()));
});
