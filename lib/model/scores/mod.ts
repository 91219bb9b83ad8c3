/** Scores of rankings, decisions and probabilities, equal to scikit-learn's. */
export * from "./bootstrap.ts";
export * from "./input.ts";
export * from "./probability.ts";
export * from "./ranking.ts";
export * from "./summary.ts";
export * from "./threshold.ts";
