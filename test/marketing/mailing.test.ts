import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runHour, safeCell, writeMailing } from "clickstream/marketing";
import { deliverHour, type TestHit, type TestSale, withPipeline } from "./support.ts";

const HOUR = "20101201_08";

Deno.test("Only ranked users who consented and are not suppressed are written to", async () => {
  await withPipeline(async (pipeline, home) => {
    const users = ["1", "2", "3", "4"];
    const hits = users.map((userid): TestHit => ({ ts: "2010-12-01 08:10:00", userid }));
    const sales = users.map((
      userid,
    ): TestSale => [userid, "2010-12-01 08:15:00", 1, 10 - Number(userid), userid]);
    deliverHour(pipeline, HOUR, hits, sales);
    await runHour(pipeline, HOUR);
    const contacts = join(home, "contacts.csv");
    const suppression = join(home, "stop.csv");
    writeFileSync(
      contacts,
      "userid,email,name,consent\n" +
        "1,a@shop.example,=HYPERLINK(1) <b>,yes\n2,b@shop.example,Bea,no\n3,C@shop.example,Cy,yes\n",
    );
    writeFileSync(suppression, "email\nc@shop.example\n");
    const out = join(home, "mailing");
    const written = await writeMailing(pipeline, {
      period: "20101201",
      contacts,
      suppression,
      out,
    });
    assert.deepEqual(written, { written: 1, withoutContact: 1, withoutConsent: 1, suppressed: 1 });
    assert.deepEqual(readdirSync(out).sort(), ["001.html", "001.txt", "mailing.csv"]);
    assert.equal(
      readFileSync(join(out, "mailing.csv"), "utf8"),
      "email,name,userid,rank,spend\na@shop.example,'=HYPERLINK(1) <b>,1,1,9.00\n",
    );
    assert.match(readFileSync(join(out, "001.html"), "utf8"), /HYPERLINK\(1\) &lt;b&gt;/);
    assert.match(readFileSync(join(out, "001.txt"), "utf8"), /HYPERLINK\(1\) <b>,[\s\S]*£9\.00/);
  });
});

Deno.test("A mailing leaves no letter of an earlier one, and one for a period without a ranking is refused", async () => {
  await withPipeline(async (pipeline, home) => {
    deliverHour(pipeline, HOUR, [{ ts: "2010-12-01 08:10:00", userid: "1" }], [
      ["1", "2010-12-01 08:15:00", 1, 2, "1"],
    ]);
    await runHour(pipeline, HOUR);
    const contacts = join(home, "contacts.csv");
    writeFileSync(contacts, "userid,email,name,consent\n1,a@shop.example,Ann,no\n");
    const out = join(home, "mailing");
    mkdirSync(out);
    for (const name of ["002.txt", "002.html", "notes.txt"]) writeFileSync(join(out, name), "");
    const options = { contacts, out };
    const { withoutConsent } = await writeMailing(pipeline, { ...options, period: HOUR });
    assert.equal(withoutConsent, 1);
    assert.deepEqual(readdirSync(out).sort(), ["mailing.csv", "notes.txt"]);
    await assert.rejects(
      writeMailing(pipeline, { ...options, period: "20101202" }),
      /Nobody is ranked in 20101202: run its hours first/,
    );
  });
});

Deno.test("Cells that a spreadsheet would take for a formula are neutralised", () => {
  for (const cell of ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "  =1"]) {
    assert.equal(safeCell(cell), `'${cell}`);
  }
  for (const cell of ["", "Bea", "1=1", "a@shop.example", "9.00"]) {
    assert.equal(safeCell(cell), cell);
  }
});
