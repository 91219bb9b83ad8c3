import { quote } from "../quote.ts";
import { CITIES } from "./places.ts";

/** How the web logs are invented. */
export interface LogOptions {
  /** Same seed, same logs. @default 1 */
  seed?: number;
  /** Share (0 to 1) of shopping trips made on the web site; the rest ordered by telephone. @default 0.85 */
  onlineShare?: number;
  /** Visits of a known customer without a purchase, a day. @default 0.04 */
  browsing?: number;
  /** Visits of people without a login, a day. @default 60 */
  anonymous?: number;
}

/**
 * SQL that defines `u(key, purpose)`: a number from 0 to 1 that depends on the seed, a key and what
 * it is for, and on nothing else. So no part of the logs changes when another is made differently.
 */
export function randomSql(seed: number): string {
  return `CREATE OR REPLACE TEMP MACRO u(key, purpose) AS
    (hash(key::VARCHAR || '/' || purpose || '/${seed}') >> 11)::DOUBLE / 9007199254740992`;
}

/** SQL of a row a customer: country, city, state, and up to three ips. */
export function customersSql(sales: string): string {
  const cities = Object.entries(CITIES).flatMap(([country, all]) =>
    all.map(([city, state], index) =>
      `(${quote(country)}, ${index}, ${all.length}, ${quote(city)}, ${quote(state)})`
    )
  );
  return `
    WITH places(country, number, places, city, state) AS (VALUES ${cities.join(", ")}),
    people AS (
      SELECT CustomerID AS customer, min(Country) AS country, min(InvoiceDate) AS first_sale
      FROM ${sales} WHERE CustomerID IS NOT NULL GROUP BY CustomerID)
    SELECT customer, people.country, city, state, first_sale,
      1 + floor(u(customer, 'ips') * 2.2)::INTEGER AS ips
    FROM people LEFT JOIN places ON places.country = people.country
      AND number = floor(pow(u(customer, 'city'), 1.6) * places)::INTEGER`;
}

/** SQL of an ip: one of the private test networks, so that no real address is meant. */
const ipSql = (key: string) =>
  `'10.' || floor(u(${key}, 'a') * 256)::INTEGER || '.' || floor(u(${key}, 'b') * 256)::INTEGER
    || '.' || (1 + floor(u(${key}, 'c') * 254)::INTEGER)`;

/**
 * SQL of a row a visit with a purchase: a customer's invoices with less than two hours between two
 * of them are one trip, and a share of the trips is made on the web site.
 */
export function purchaseVisitsSql(sales: string, onlineShare: number): string {
  return `
    WITH invoices AS (
      SELECT CustomerID AS customer, InvoiceNo, min(InvoiceDate) AS first_line,
        max(InvoiceDate) AS last_line
      FROM ${sales} WHERE CustomerID IS NOT NULL GROUP BY ALL),
    marked AS (
      SELECT *, coalesce(first_line - lag(last_line) OVER (PARTITION BY customer
        ORDER BY first_line, InvoiceNo) >= INTERVAL 2 HOUR, true)::INTEGER AS opens FROM invoices),
    numbered AS (
      SELECT *, sum(opens) OVER (PARTITION BY customer ORDER BY first_line, InvoiceNo
        ROWS UNBOUNDED PRECEDING) AS trip FROM marked),
    trips AS (
      SELECT customer, 'buy ' || customer || ' ' || trip AS visit, min(first_line) AS first_line,
        max(last_line) AS last_line, list(InvoiceNo ORDER BY InvoiceNo) AS invoices
      FROM numbered GROUP BY customer, trip)
    SELECT visit, 'purchase' AS kind, customer, invoices,
      first_line - to_seconds((240 + u(visit, 'before') * 1200)::BIGINT) AS start_ts,
      last_line + to_seconds((u(visit, 'after') * 240)::BIGINT) AS end_ts,
      greatest(6 + floor(u(visit, 'hits') * 18),
        ceil(date_diff('second', first_line, last_line) / 500.0) + 6)::INTEGER AS hits
    FROM trips WHERE u(visit, 'online') < ${onlineShare}`;
}

/**
 * SQL of a row a visit of a known customer without a purchase; those near another visit of the
 * customer are left out later.
 */
export function browsingVisitsSql(customers: string, perDay: number): string {
  return `
    WITH days AS (
      SELECT customer, day, 'look ' || customer || ' ' || strftime(day, '%Y%m%d') AS visit
      FROM ${customers}, (SELECT unnest(range(first_day, last_day, INTERVAL 1 DAY)) AS day FROM span)
      WHERE u(customer || strftime(day, '%Y%m%d'), 'day') < ${perDay}),
    timed AS (
      SELECT *, 2 + floor(pow(u(visit, 'hits'), 2) * 12)::INTEGER AS hits,
        day + to_seconds((3600 * (6.5 + 8 * u(visit, 'hour') + 8 * u(visit, 'hour 2')))::BIGINT)
          AS start_ts FROM days)
    SELECT visit, 'browsing' AS kind, customer, NULL::VARCHAR[] AS invoices, start_ts,
      start_ts + to_seconds(((hits - 1) * (30 + 120 * u(visit, 'pace')))::BIGINT) AS end_ts, hits
    FROM timed`;
}

/** SQL of a row a visit without a login: people at any hour, and two crawlers every night. */
export function anonymousVisitsSql(perDay: number): string {
  return `
    WITH days AS (SELECT unnest(range(first_day, last_day, INTERVAL 1 DAY)) AS day FROM span),
    people AS (
      SELECT 'guest ' || strftime(day, '%Y%m%d') || ' ' || i AS visit, day, i
      FROM days, range(${perDay}) r(i)),
    crawls AS (
      SELECT 'bot ' || i || ' ' || strftime(day, '%Y%m%d') AS visit, day, i FROM days, range(2) r(i))
    SELECT visit, 'anonymous' AS kind, ${ipSql("visit")} AS ip,
      day + to_seconds((86400 * u(visit, 'time'))::BIGINT) AS start_ts,
      1 + floor(pow(u(visit, 'hits'), 2) * 8)::INTEGER AS hits, 20 + 100 * u(visit, 'pace') AS pace
    FROM people
    UNION ALL SELECT visit, 'bot', '10.255.255.' || (i + 1), day + INTERVAL 2 HOUR + to_minutes(i * 20),
      60, 40 FROM crawls`;
}

/** SQL of the ip that a customer uses in a visit. */
export function visitIpSql(): string {
  return ipSql("customer || ' ip ' || floor(u(visit, 'ip') * ips)::INTEGER");
}
