/** Notebook files, and running them cell by cell in a kernel. */
export * from "./failure.ts";
export * from "./notebook.ts";
export * from "./outputs.ts";
export * from "./parameters.ts";
export { PRELUDE } from "./prelude.ts";
export * from "./run_notebook.ts";
