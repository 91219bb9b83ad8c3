import { formatDuration, formatNumber } from "./format.ts";
import type { Bundle } from "./kernel.ts";
import type { ProgressState } from "./progress_sink.ts";
import { escapeHtml } from "./table.ts";

const BAR_CELLS = 24;

/** The state as one line of text. */
export function progressLine(state: ProgressState, final: boolean): string {
  const { label, note } = state;
  const facts = factsOf(state, final);
  const bar = final || state.total === undefined ? "" : `${barOf(state.done / state.total)} `;
  const tail = [facts, note].filter((part) => part !== "").join(" · ");
  return `${final ? "✓ " : ""}${label}  ${bar}${tail}`.trimEnd();
}

function factsOf(
  { done, total, unit, elapsedSeconds, rate }: ProgressState,
  final: boolean,
): string {
  const counted = `${formatNumber(done)}${
    total === undefined || final ? "" : ` / ${formatNumber(total)}`
  }`;
  const parts = done === 0 && total === undefined ? [] : [`${counted} ${unit}`.trimEnd()];
  if (final) parts.push(`in ${formatDuration(elapsedSeconds)}`);
  if (rate > 0) parts.push(`${formatNumber(Number(rate.toPrecision(3)))}/s`);
  const left = total === undefined || rate <= 0 ? NaN : (total - done) / rate;
  if (!final && left > 0) parts.push(`${formatDuration(left)} left`);
  return parts.join(" · ");
}

function barOf(share: number): string {
  const bounded = Math.min(1, Math.max(0, share || 0));
  const full = Math.floor(bounded * BAR_CELLS);
  const percent = `${Math.floor(bounded * 100)} %`.padStart(5);
  return `${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)} ${percent}`;
}

/** The state as a notebook shows it: HTML without scripts, and text. */
export function progressBundle(state: ProgressState, final: boolean): Bundle {
  const { label, done, total, note } = state;
  const bar = final || total === undefined
    ? ""
    : `<progress value="${Math.min(done, total)}" max="${total}"></progress> `;
  const tail = [factsOf(state, final), note].filter((part) => part !== "").join(" · ");
  return {
    "text/html": `<div>${final ? "✓ " : ""}<strong>${escapeHtml(label)}</strong> ${bar}${
      escapeHtml(tail)
    }</div>`,
    "text/plain": progressLine(state, final),
  };
}
