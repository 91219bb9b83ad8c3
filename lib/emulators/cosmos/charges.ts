/** Request units of a point read: one for the first kilobyte, half for each further. */
export function readCharge(bytes: number): number {
  return round(1 + Math.max(0, bytes / 1024 - 1) / 2);
}

/** Request units of a write, an estimate: about five for the first kilobyte. */
export function writeCharge(bytes: number): number {
  return round(5.29 + Math.max(0, bytes / 1024 - 1) * 4.8);
}

/** Request units of a query page, an estimate from the items looked at and sent. */
export function queryCharge(scanned: number, bytes: number): number {
  return round(2.3 + scanned * 0.029 + bytes / 10_240);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
