import { ClickstreamError, type Config } from "clickstream/config";
import { table } from "clickstream/display";
import { reportResults, type Results } from "./results.ts";

/** A notebook claimed something that did not hold. */
export class ClaimError extends ClickstreamError {}

/**
 * Ends a notebook: shows its claims, hands them to the run's report, and fails when one does not
 * hold.
 *
 * @param notebook name of the notebook, as `1b_train_model`
 * @throws {ClaimError} names the claims that do not hold, with the numbers
 */
export async function conclude(
  config: Pick<Config, "home">,
  notebook: string,
  results: Results,
): Promise<void> {
  await table(
    results.checks.map(({ name, ok, detail }) => ({
      claim: name,
      holds: ok ? "yes" : "NO",
      detail,
    })),
    { title: "Claims", limit: results.checks.length },
  );
  await reportResults(config, notebook, results);
  const broken = results.checks.filter(({ ok }) => !ok);
  if (broken.length === 0) return;
  throw new ClaimError(
    `Notebook ${notebook}: ${
      broken.map(({ name, detail }) => `"${name}" does not hold (${detail})`).join("; ")
    }.`,
  );
}
