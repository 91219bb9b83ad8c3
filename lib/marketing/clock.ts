import { Cron } from "croner";
import { sleep } from "clickstream/config";

/** The time that a coordinator lives by. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * Waits for a moment. It may return earlier: whoever waits looks again.
   *
   * @param moment milliseconds since the epoch
   * @param signal ends the wait; its reason is thrown
   */
  sleepUntil(moment: number, signal?: AbortSignal): Promise<void>;
}

/** Every 60 minutes, when an hour ends. */
const HOURLY = new Cron("0 * * * *", { timezone: "UTC" });

/** The next moment, after a given one, at which an hour ends: both milliseconds since the epoch. */
export function nextHourEnd(after: number): number {
  return HOURLY.nextRun(new Date(after))!.getTime();
}

/** Between two looks into the landing zone. */
const LOOK_EVERY_MS = 15_000;

/** The machine's clock. It wakes every 15 seconds, as deliveries do not announce themselves. */
export const wallClock: Clock = {
  now: () => Date.now(),
  sleepUntil: (moment, signal) =>
    sleep(Math.max(0, Math.min(moment - Date.now(), LOOK_EVERY_MS)), signal),
};

/** Something that happens at a moment of a simulated day, such as a delivery. */
export interface ClockEvent {
  /** Milliseconds since the epoch. */
  at: number;
  happen(): void;
}

/**
 * A clock for demonstrations and tests: who waits is there at once, and what was to happen until
 * then has happened. The clock stops at each event, so that whoever waits can look.
 *
 * @param start milliseconds since the epoch
 */
export function simulatedClock(start: number, events: readonly ClockEvent[] = []): Clock {
  const ahead = [...events].sort((a, b) => a.at - b.at);
  let time = start;
  return {
    now: () => time,
    sleepUntil: (moment, signal) => {
      signal?.throwIfAborted();
      const event = ahead[0];
      if (event === undefined || event.at > moment) time = moment;
      else {
        ahead.shift();
        time = event.at;
        event.happen();
      }
      return Promise.resolve();
    },
  };
}
