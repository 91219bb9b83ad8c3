/** Something the gate found wrong. */
export interface Finding {
  /** File, relative to the project. */
  file: string;
  /** Number of the cell in a notebook, from 1. */
  cell?: number | undefined;
  /** Name of the rule, as `S4`. */
  rule: string;
  /** What is wrong and what to do, in one sentence. */
  message: string;
}

/** A finding as one line. */
export function formatFinding({ file, cell, rule, message }: Finding): string {
  return `${file}${cell === undefined ? "" : `, cell ${cell}`}: ${rule} ${message}`;
}
