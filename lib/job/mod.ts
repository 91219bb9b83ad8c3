/** The job: its notebooks run in kernels, its task graph, its report, and the RUNME command. */
export { runMe, type RunMeOptions } from "./command/runme.ts";
export { ClaimError, conclude } from "./run/conclude.ts";
export { type Check, reportResults, type Results } from "./run/results.ts";
