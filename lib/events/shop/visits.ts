import type { Calendar } from "./calendar.ts";
import { TOTALS } from "./calibration.ts";
import { makeRandom, type RandomSource } from "./random.ts";

/** Who comes when: a session each, in the order of time, and what each user is like. */
export interface Visits {
  count: number;
  /** Seconds after the shop's start. */
  start: Uint32Array;
  user: Uint32Array;
  /** 1 when the user was here before. */
  returning: Uint8Array;
  users: number;
  /** The last nine digits of a user id that begins with 1515915625. */
  userDigits: Uint32Array;
  /** How gladly the user buys anything; standard normal. */
  taste: Float32Array;
  /** How strongly price matters to the user; median 1. */
  sensitivity: Float32Array;
}

/** Share of users who come again, a little more than published as some would come after the end. */
const RETURNING = 1.06 * TOTALS.returningUsers / TOTALS.users;
/** Chance that a returning user comes once more, each time. */
const ONCE_MORE = 0.437;
/** How much likelier a user comes again who buys gladly, log a unit of taste. */
const RETURNS_BY_TASTE = 0.2;
const SENSITIVITY_SPREAD = 0.5;
const KNOWN_BEFORE = 0.12;

/**
 * Draws the sessions and gives each to a new user or to one who is due to return. So the times of
 * all sessions follow the calendar exactly, whoever comes.
 *
 * @param count number of sessions
 */
export function makeVisits(count: number, calendar: Calendar, seed: number): Visits {
  const random = makeRandom(seed, "visits");
  const start = calendar.draw(count, random);
  const user = new Uint32Array(count);
  const returning = new Uint8Array(count);
  const taste = new Float32Array(count);
  const sensitivity = new Float32Array(count);
  const due = makeDueList();
  let users = 0;
  for (let s = 0; s < count; s++) {
    const now = start[s]!;
    let who = due.next(now);
    if (who >= 0) returning[s] = 1;
    else {
      who = users++;
      taste[who] = random.normal();
      sensitivity[who] = Math.exp(SENSITIVITY_SPREAD * random.normal());
    }
    user[s] = who;
    const keen = Math.exp(RETURNS_BY_TASTE * taste[who]! - RETURNS_BY_TASTE ** 2 / 2);
    if (random.uniform() < keen * (returning[s] ? ONCE_MORE : RETURNING)) {
      due.add(now + delay(random), who);
    }
  }
  return {
    count,
    start,
    user,
    returning,
    users,
    userDigits: makeUserDigits(users, random),
    taste: taste.subarray(0, users),
    sensitivity: sensitivity.subarray(0, users),
  };
}

/** Seconds until a user returns: within a week for most, within 30 days for nearly all. */
function delay(random: RandomSource): number {
  const day = 86400;
  const kind = random.uniform();
  if (kind < 0.8) return 2400 + 7 * day * random.uniform() ** 2.5;
  if (kind < 0.955) return day * (7 + 23 * random.uniform() ** 1.3);
  return day * (30 + 60 * random.uniform());
}

/** Most users are new and their ids grow with time; the others have an older, lower id. */
function makeUserDigits(users: number, random: RandomSource): Uint32Array {
  const digits = new Uint32Array(users);
  let fresh = 519_388_266;
  let known = 353_226_922;
  const gap = Math.max(2, Math.floor(90_000_000 / users));
  const knownGap = Math.max(2, Math.floor(160_000_000 / (users * KNOWN_BEFORE)));
  const older: number[] = [];
  for (let u = 0; u < users; u++) {
    if (random.uniform() < KNOWN_BEFORE) older.push(u);
    else digits[u] = fresh += 1 + random.below(2 * gap - 1);
  }
  for (let i = older.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [older[i], older[other]] = [older[other]!, older[i]!];
  }
  for (const u of older) {
    known += 1 + random.below(knownGap);
    digits[u] = known;
  }
  return digits;
}

/** Users due to return, the earliest first (a binary heap). */
function makeDueList() {
  const times: number[] = [];
  const users: number[] = [];
  const swap = (a: number, b: number) => {
    [times[a], times[b]] = [times[b]!, times[a]!];
    [users[a], users[b]] = [users[b]!, users[a]!];
  };
  return {
    add(time: number, user: number): void {
      let at = times.push(time) - 1;
      users.push(user);
      while (at > 0 && times[(at - 1) >> 1]! > times[at]!) {
        swap(at, (at - 1) >> 1);
        at = (at - 1) >> 1;
      }
    },
    /** Takes the earliest user whose time has come, or answers -1. */
    next(now: number): number {
      if (times.length === 0 || times[0]! > now) return -1;
      const user = users[0]!;
      swap(0, times.length - 1);
      times.pop();
      users.pop();
      for (let at = 0;;) {
        let least = at;
        if (2 * at + 1 < times.length && times[2 * at + 1]! < times[least]!) least = 2 * at + 1;
        if (2 * at + 2 < times.length && times[2 * at + 2]! < times[least]!) least = 2 * at + 2;
        if (least === at) return user;
        swap(at, least);
        at = least;
      }
    },
  };
}
