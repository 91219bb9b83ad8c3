/** Host of the invented shop. */
const SHOP = "http://shop.example";

/**
 * SQL that makes the hits of visits: times and pages. A visit lands, looks around, and one with a
 * purchase ends with basket, checkout and thanks. People who buy come more often through the
 * newsletter and read reviews; those who leave look more often at the delivery costs. A notebook
 * finds these differences again.
 *
 * @param visits relation of visits with `hits`
 * @param products relation of `number` (from 0) and `code`
 */
export function hitsSql(visits: string, products: string): string {
  return `
    WITH steps AS (
      SELECT visits.*, i, u(visit || ' ' || i, 'page') AS r,
        floor(u(visit || ' ' || i, 'product') * (SELECT count(*) FROM ${products}))::BIGINT AS number
      FROM (SELECT *, unnest(range(hits)) AS i FROM ${visits}) AS visits)
    SELECT visit, kind, userid, ip, city, country, state,
      date_trunc('second', start_ts + to_microseconds((date_diff('microsecond', start_ts, end_ts) *
        CASE WHEN hits = 1 THEN 0 WHEN i = hits - 1 THEN 1
        ELSE (i + CASE WHEN i = 0 THEN 0 ELSE 0.6 * u(visit || ' ' || i, 'jitter') END) / (hits - 1)
        END)::BIGINT)) AS ts, i,
      '${SHOP}' || CASE WHEN i = 0 THEN ${landing()} ELSE ${inside()} END AS url
    FROM steps LEFT JOIN ${products} AS products USING (number)`;
}

function landing(): string {
  const newsletter = "CASE kind WHEN 'purchase' THEN 0.34 WHEN 'browsing' THEN 0.14 ELSE 0.02 END";
  return `CASE WHEN kind = 'bot' THEN '/sitemap'
    WHEN u(visit, 'newsletter') < ${newsletter} THEN '/newsletter'
    WHEN r < 0.45 THEN '/' WHEN r < 0.65 THEN '/search' WHEN r < 0.85 THEN '/product/' || code
    ELSE '/sale' END`;
}

function inside(): string {
  return `CASE
    WHEN kind = 'bot' THEN '/product/' || code
    WHEN kind = 'purchase' AND i = hits - 1 THEN '/thanks'
    WHEN kind = 'purchase' AND i = hits - 2 THEN '/checkout'
    WHEN kind = 'purchase' AND i = hits - 3 THEN '/basket'
    WHEN kind = 'browsing' AND i = hits - 1 AND u(visit, 'basket') < 0.18 THEN '/basket'
    WHEN r < 0.2 THEN '/category/' || left(code, 2)
    WHEN r < 0.34 THEN '/search'
    WHEN r < CASE kind WHEN 'purchase' THEN 0.5 ELSE 0.38 END THEN '/reviews/' || code
    WHEN r > CASE kind WHEN 'purchase' THEN 0.97 ELSE 0.88 END THEN '/delivery'
    ELSE '/product/' || code END`;
}

const BLANKS = (columns: number) => `repeat(chr(9), ${columns})`;

/**
 * SQL of a hit as a line of an Omniture log: 178 columns, tab-separated, most of them empty.
 * Filled are 1 hit id, 2 time, 4 user agent, 8 ip, 13 url, 14 user, 17 referrer, 40 language,
 * 50 city, 51 country, 53 state.
 */
export function lineSql(): string {
  const text = (sql: string) => `coalesce(${sql}, '')`;
  return `hash(visit || ' ' || i)::VARCHAR || chr(9) || strftime(ts, '%Y-%m-%d %H:%M:%S')
    || ${BLANKS(2)} || ${AGENT} || ${BLANKS(4)} || ip || ${BLANKS(5)} || url || chr(9)
    || ${text("userid")} || ${BLANKS(3)} || ${REFERRER} || ${BLANKS(23)} || 'en' || ${BLANKS(10)}
    || ${text("city")} || chr(9) || ${text("country")} || ${BLANKS(2)} || ${text("state")}
    || ${BLANKS(125)}`;
}

const AGENT = `CASE WHEN kind = 'bot' THEN 'ShopCrawler/1.0 (bot)'
  WHEN u(visit, 'agent') < 0.7 THEN 'Mozilla/5.0 (Windows NT 6.1)' ELSE 'Mozilla/5.0 (Macintosh)' END`;

const REFERRER = `CASE WHEN i > 0 THEN '${SHOP}' WHEN kind = 'bot' THEN ''
  WHEN u(visit, 'referrer') < 0.5 THEN 'http://search.example' ELSE '' END`;
