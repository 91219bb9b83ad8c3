import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { Eta } from "eta";
import { ConfigError } from "clickstream/config";
import { records } from "clickstream/lakehouse";
import type { Pipeline } from "../pipeline.ts";
import { quote } from "../quote.ts";
import { HTML_LETTER, TEXT_LETTER } from "./letters.ts";

/** Who is written to, and where the letters go. */
export interface MailingOptions {
  /** Day (`YYYYMMDD`) or hour (`YYYYMMDD_HH`) of the ranking. */
  period: string;
  /** CSV file with a header: userid, email, name, consent (`yes` or anything else). */
  contacts: string;
  /** CSV file with a header: email. Nobody named there is written to. @default nobody */
  suppression?: string;
  /** Folder of the files; made when absent. */
  out: string;
}

/** What was written. */
export interface Mailing {
  /** Letters: a text and an HTML file each, and a row of `mailing.csv`. */
  written: number;
  /** Ranked users that are not written to, by reason. */
  withoutContact: number;
  withoutConsent: number;
  suppressed: number;
}

interface Recipient {
  userid: string;
  email: string;
  name: string;
  rank: number;
  spend: string;
}

/**
 * Writes the mailing to the top spenders of a period: `mailing.csv`, and a text and an HTML letter
 * for each. Only those who consented are written to, and nobody on the suppression list, whatever
 * the case of the address. Letters of an earlier mailing in the folder are removed. Nothing is sent.
 *
 * @throws {ConfigError} when a file is not there or lacks a column, or nobody is ranked
 */
export async function writeMailing(pipeline: Pipeline, options: MailingOptions): Promise<Mailing> {
  const counts: Mailing = { written: 0, withoutContact: 0, withoutConsent: 0, suppressed: 0 };
  const recipients: Recipient[] = [];
  const ranked = await rankedContacts(pipeline, options);
  if (ranked.length === 0) {
    throw new ConfigError(
      `Nobody is ranked in ${options.period}: run its hours first, or name another period.`,
    );
  }
  for (const row of ranked) {
    if (row.email === null) counts.withoutContact += 1;
    else if (row.consent !== true) counts.withoutConsent += 1;
    else if (row.suppressed === true) counts.suppressed += 1;
    else recipients.push(row as unknown as Recipient);
  }
  writeLetters(recipients, options);
  return { ...counts, written: recipients.length };
}

async function rankedContacts(pipeline: Pipeline, options: MailingOptions) {
  const { contacts, suppression, period } = options;
  for (const file of [contacts, suppression]) {
    if (file !== undefined && !existsSync(file)) throw new ConfigError(`There is no file ${file}.`);
  }
  const csv = (file: string) => `read_csv(${quote(file)}, header = true, all_varchar = true)`;
  const never = suppression === undefined
    ? "false"
    : `lower(trim(contacts.email)) IN (SELECT lower(trim(email)) FROM ${csv(suppression)})`;
  try {
    return await records(
      pipeline.lake,
      `SELECT top.userid, nullif(trim(contacts.email), '') AS email,
         coalesce(contacts.name, '') AS name, lower(trim(contacts.consent)) = 'yes' AS consent,
         ${never} AS suppressed, rank::INTEGER AS rank, daily_spend::VARCHAR AS spend
       FROM warehouse.daily_top_spenders AS top
       LEFT JOIN (SELECT * FROM ${
        csv(contacts)
      } QUALIFY row_number() OVER (PARTITION BY userid) = 1)
         AS contacts ON contacts.userid = top.userid
       WHERE top.date_ts = ${quote(period)} ORDER BY rank`,
    );
  } catch (cause) {
    if (!/Binder Error|Invalid Input Error/.test(String(cause))) throw cause;
    throw new ConfigError(
      "Contacts need the columns userid, email, name, consent, and the suppression list email.",
      { cause },
    );
  }
}

const LETTER = /^\d{3,}\.(txt|html)$/;

function writeLetters(recipients: readonly Recipient[], { out, period }: MailingOptions): void {
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(out)) if (LETTER.test(name)) rmSync(join(out, name));
  const [html, text] = [new Eta({ autoEscape: true }), new Eta({ autoEscape: false })];
  for (const recipient of recipients) {
    const file = join(out, `${String(recipient.rank).padStart(3, "0")}`);
    const values = { ...recipient, period };
    writeFileSync(`${file}.txt`, text.renderString(TEXT_LETTER, values));
    writeFileSync(`${file}.html`, html.renderString(HTML_LETTER, values));
  }
  const rows = recipients.map(({ email, name, userid, rank, spend }) =>
    [email, name, userid, String(rank), spend].map(safeCell)
  );
  const columns = ["email", "name", "userid", "rank", "spend"];
  writeFileSync(join(out, "mailing.csv"), stringify([columns, ...rows]));
}

/**
 * A cell that no spreadsheet takes for a formula: one that starts with = + - @, a tab or a carriage
 * return, also after blanks, is put behind an apostrophe.
 */
export function safeCell(text: string): string {
  return /^[\t\r]|^\s*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text;
}
