import { type Calibration, TOTALS } from "./calibration.ts";
import type { RandomSource } from "./random.ts";

/** When the shop is visited. Times are whole seconds after {@link TOTALS}.start. */
export interface Calendar {
  /** Last second. */
  end: number;
  /** `count` moments in ascending order, spread as the published hours, weekdays and months. */
  draw(count: number, random: RandomSource): Uint32Array;
  /** A moment on the day that begins `days` after the day of `time`, at a likely hour. */
  laterDay(time: number, days: number, random: RandomSource): number;
  /** Month's position in the calibration, and hour of day. */
  monthOf(time: number): number;
  hourOf(time: number): number;
  /** How busy the hour of `time` is, 1 for the busiest. */
  busy(time: number): number;
}

/** Builds the calendar: the intensity of every hour between the first and the last event. */
export function makeCalendar({ months, weekdays, hours }: Calibration): Calendar {
  const firstHour = Math.floor(TOTALS.start / 3600);
  const count = Math.floor(TOTALS.end / 3600) - firstHour + 1;
  const monthOfHour = new Uint8Array(count);
  const weight = new Float64Array(count);
  const sums = months.map(() => 0);
  const daysOf = countWeekdays();
  for (let i = 0; i < count; i++) {
    const moment = new Date((firstHour + i) * 3600_000);
    const month = months.findIndex((each) => each.month === moment.toISOString().slice(0, 7));
    const weekday = weekdays[(moment.getUTCDay() + 6) % 7]!;
    monthOfHour[i] = month;
    weight[i] = weekday.views / daysOf[(moment.getUTCDay() + 6) % 7]! *
      hours[moment.getUTCHours()]!.views;
    if (i === 0) weight[0]! *= 1 - (TOTALS.start % 3600) / 3600;
    sums[month]! += weight[i]!;
  }
  for (let i = 0; i < count; i++) {
    weight[i]! *= months[monthOfHour[i]!]!.views / sums[monthOfHour[i]!]!;
  }
  const end = TOTALS.end - TOTALS.start;
  const offset = TOTALS.start % 86400;
  const hourOf = (time: number) => Math.floor((time + offset) / 3600) % 24;
  const busiest = Math.max(...hours.map((hour) => hour.views));
  const hourWeights = hours.map((hour) => hour.views);
  return {
    end,
    draw: (size, random) => drawSorted(weight, size, random, end),
    laterDay: (time, days, random) => {
      const midnight = Math.floor((time + offset) / 86400) * 86400 - offset;
      return midnight + days * 86400 + pick(hourWeights, random) * 3600 + random.below(3600);
    },
    monthOf: (time) => monthOfHour[Math.floor((time + TOTALS.start % 3600) / 3600)]!,
    hourOf,
    busy: (time) => hourWeights[hourOf(time)]! / busiest,
  };
}

/** How often each weekday, from Monday, occurs between the first and the last event. */
function countWeekdays(): number[] {
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let day = TOTALS.start; day <= TOTALS.end; day += 86400) {
    counts[(new Date(day * 1000).getUTCDay() + 6) % 7]!++;
  }
  return counts;
}

/** Ascending moments: sums of exponentials are the order statistics of uniform numbers. */
function drawSorted(
  weight: Float64Array,
  size: number,
  random: RandomSource,
  end: number,
): Uint32Array {
  const steps = new Float64Array(size + 1);
  let sum = 0;
  for (let i = 0; i <= size; i++) steps[i] = sum += random.exponential();
  const total = weight.reduce((all, each) => all + each, 0);
  const times = new Uint32Array(size);
  const lead = TOTALS.start % 3600;
  let hour = 0;
  let before = 0;
  for (let i = 0; i < size; i++) {
    const place = steps[i]! / sum * total;
    while (hour < weight.length - 1 && before + weight[hour]! <= place) before += weight[hour++]!;
    const from = hour === 0 ? lead : 0;
    const within = from + (place - before) / weight[hour]! * (3600 - from);
    times[i] = Math.min(end, hour * 3600 + Math.floor(within) - lead);
  }
  return times;
}

function pick(weights: readonly number[], random: RandomSource): number {
  let place = random.uniform() * weights.reduce((all, each) => all + each, 0);
  let index = 0;
  while (index < weights.length - 1 && place >= weights[index]!) place -= weights[index++]!;
  return index;
}
