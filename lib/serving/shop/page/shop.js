// The shop's page: renders what the server sends. Every text goes in as text, never as HTML.
const by = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const SVG = "http://www.w3.org/2000/svg";
const ACTIONS = {
  alternatives: "Show alternatives",
  complements: "Show what goes with it",
  discount: "Give a discount",
  none: "Do nothing",
};

/** What stands on the shelves, and every product seen so far. */
let shelves = [];
const products = new Map();
let visit = null;
let category = null;
let suggested = null;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function drawing(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message ?? `The shop answered ${response.status}.`);
  return answer;
}

const productOf = (id) => products.get(id);
const kindOf = (product) => (product.category_code.split(".").at(-1) ?? "").replaceAll("_", " ");

function nameOf(id) {
  const product = productOf(id);
  return product ? `${product.brand ?? "unbranded"} ${kindOf(product)}` : `Product ${id}`;
}

async function click(type, product_id) {
  try {
    await post("/api/events", { session: visit.session, type, product_id });
  } catch (error) {
    by("status").textContent = error.message;
  }
}

/** A tile in the colour of the category, with the brand's letters. */
function picture({ category_code, brand }) {
  let hash = 7;
  for (const letter of category_code) hash = (hash * 31 + letter.charCodeAt(0)) % 9973;
  const drawn = element(
    "div",
    { class: "picture", "aria-hidden": "true" },
    (brand ?? "–").slice(0, 2),
  );
  drawn.style.setProperty("--hue", String((hash * 47) % 360));
  return drawn;
}

function renderCategories() {
  const codes = [...new Set(shelves.map((product) => product.category_code))];
  category ??= codes[0];
  by("categories").replaceChildren(...codes.map((code) =>
    element("button", {
      "aria-pressed": String(code === category && suggested === null),
      onclick: () => {
        category = code;
        suggested = null;
        renderShelf();
      },
    }, kindOf({ category_code: code }))
  ));
}

function renderShelf() {
  renderCategories();
  const shown = suggested === null
    ? shelves.filter((product) => product.category_code === category)
    : suggested.map(productOf);
  by("shelf-title").textContent = suggested === null
    ? kindOf({ category_code: category })
    : "Chosen for you";
  by("shelf").replaceChildren(...shown.map((product) => {
    const name = nameOf(product.product_id);
    const data = { "data-product": product.product_id };
    return element(
      "li",
      { class: suggested === null ? "product" : "product suggested", ...data },
      picture(product),
      element(
        "div",
        { class: "about" },
        element("h3", {}, name),
        element("span", { class: "quiet" }, `No. ${product.product_id}`),
        element("span", { class: "price" }, money.format(product.price)),
      ),
      element(
        "div",
        { class: "buttons" },
        button("Look", "view", product, name),
        button("Add", "cart", product, name),
      ),
    );
  }));
}

function button(text, type, product, name) {
  const label = `${text}${type === "cart" ? " to cart" : ""}: ${name}, no. ${product.product_id}`;
  return element("button", {
    "aria-label": label,
    "data-click": type,
    onclick: () => click(type, product.product_id),
  }, text);
}

function renderVisit(view) {
  const before = visit;
  visit = view;
  for (const offer of view.products.flatMap(({ offers }) => offers)) {
    products.set(offer.product_id, offer);
  }
  renderCart(view.products);
  by("model").textContent = view.model
    ? `${view.model.name}, version ${view.model.version}`
    : "Look at a product: its score appears here.";
  by("scores").replaceChildren(...view.products.map(scoreOf));
  renderLatest(view.products);
  renderTiles(
    by("features"),
    Object.entries(view.features)
      .filter(([name, value]) => name.startsWith("cart__") && typeof value === "number")
      .map(([name, value]) => [
        name.slice(6).replaceAll("_", " "),
        name.endsWith("_time") ? timeText(value) : number.format(value),
      ]),
  );
  by("events").replaceChildren(...view.events.map((event) =>
    element(
      "li",
      {},
      element("span", { class: `type ${event.type}` }, event.type),
      element("span", { class: "name" }, nameOf(event.product_id)),
      element(
        "span",
        { class: "latency" },
        event.latencyMs === null ? "under way" : `${Math.round(event.latencyMs)} ms`,
      ),
    )
  ));
  const newest = view.events[0];
  if (view.problem !== null) by("status").textContent = view.problem;
  else if (newest?.latencyMs != null && before?.events[0]?.latencyMs !== newest.latencyMs) {
    by("status").textContent = `${nameOf(newest.product_id)}: ${scoreText(view.products[0])}`;
  }
}

function renderCart(touched) {
  const inCart = touched.filter((product) => product.inCart);
  const bought = touched.filter((product) => product.bought).length;
  const lines = inCart.map(({ product_id, action }) => {
    const full = productOf(product_id)?.price ?? 0;
    const off = action?.kind === "discount" ? action.discount : 0;
    return { name: nameOf(product_id), full, price: full * (1 - off) };
  });
  by("cart").replaceChildren(...lines.map(({ name, full, price }) =>
    element(
      "li",
      {},
      element("span", { class: "name" }, name),
      price < full ? element("s", { class: "quiet" }, money.format(full)) : null,
      element("span", { class: "price" }, money.format(price)),
    )
  ));
  const total = lines.reduce((sum, { price }) => sum + price, 0);
  by("total").textContent = lines.length > 1 ? `Total ${money.format(total)}` : "";
  by("cart-empty").hidden = inCart.length > 0;
  by("cart-empty").textContent = bought > 0
    ? `Thank you: ${bought} bought. The cart is empty again.`
    : "Nothing in it yet.";
  by("checkout").disabled = inCart.length === 0;
}

/** What the newest score says, for phones, where the scores are far below. */
function renderLatest([newest]) {
  by("latest").hidden = newest === undefined || newest.history.length === 0;
  if (by("latest").hidden) return;
  by("latest").replaceChildren(
    element("span", { class: "name" }, nameOf(newest.product_id)),
    element("strong", {}, scoreText(newest)),
    newest.action === null ? "" : actionText(newest.action),
  );
}

function actionText(action) {
  return ACTIONS[action.kind] +
    (action.discount === null ? "" : ` of ${number.format(100 * action.discount)} %`);
}

/** How the score moved with the newest event, in points of a per cent. */
function changeOf({ history, bought }) {
  const [before, now] = history.slice(-2);
  if (bought || before == null || now == null) return null;
  const points = 100 * (now - before);
  if (Math.abs(points) < 0.05) return null;
  const text = `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)}`;
  return element("span", { class: points > 0 ? "change up" : "change" }, text);
}

function scoreText(product) {
  const score = product?.history.at(-1);
  if (product?.bought) return "already purchased";
  return score == null ? "…" : `${(100 * score).toFixed(1)}\u00a0%`;
}

/** Microseconds since 1970 as a time of day, UTC. */
function timeText(micros) {
  return new Date(micros / 1000).toISOString().slice(11, 19);
}

function scoreOf(product) {
  const { action } = product;
  const name = nameOf(product.product_id);
  const known = product.offers.map(({ product_id }) => product_id);
  return element(
    "li",
    { "data-scored": product.product_id },
    element(
      "div",
      { class: "line" },
      element("span", { class: "name" }, name),
      product.bought ? null : spark(product.history.filter((score) => score !== null)),
      changeOf(product),
      element("span", { class: product.bought ? "score bought" : "score" }, scoreText(product)),
    ),
    action === null ? null : element(
      "p",
      { class: "action" },
      element(
        "span",
        { class: "badge", "data-action": action.kind },
        actionText(action),
      ),
      action.why,
    ),
    known.length === 0 ? null : element(
      "div",
      { class: "offers" },
      ...known.map((id) =>
        element("button", {
          onclick: () => {
            suggested = known;
            renderShelf();
            click("view", id);
          },
        }, nameOf(id))
      ),
    ),
  );
}

/** The scores so far as a line from 0 to 1. */
function spark(scores) {
  const label = `history: ${scores.map((score) => `${Math.round(100 * score)} %`).join(", ")}`;
  const x = (i) => scores.length === 1 ? 95 : 5 + 90 * i / (scores.length - 1);
  const y = (score) => 29 - 26 * score;
  const points = scores.map((score, i) => `${x(i)},${y(score)}`).join(" ");
  const drawn = drawing("svg", {
    ...{ class: "spark", viewBox: "0 0 100 32", preserveAspectRatio: "none" },
    ...(scores.length > 0 ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }),
  });
  if (scores.length > 0) {
    drawn.append(
      drawing("polyline", { points }),
      drawing("circle", { cx: x(scores.length - 1), cy: y(scores.at(-1)), r: 3 }),
    );
  }
  return drawn;
}

function renderTiles(list, entries) {
  list.replaceChildren(
    ...entries.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))
    ),
  );
}

function renderOperations(state) {
  const { stream } = state;
  const tiles = [
    ["state", state.state],
    ["events a second", state.throughput === null ? "–" : number.format(state.throughput)],
    ...Object.entries(stream ?? {}).map(([name, value]) => [
      { onlinePending: "waiting for online", lag: "lag (messages)" }[name] ?? name,
      number.format(value),
    ]),
    ...Object.entries(state.keys).map(([set, keys]) => [
      `${set.replaceAll("_", " ")} keys held`,
      number.format(keys),
    ]),
    ["watermark", state.watermark?.slice(0, 19).replace("T", " ") ?? "–"],
    ["model version", visit?.model?.version ?? "–"],
  ];
  renderTiles(by("stream"), tiles);
  const ms = (value) => value === null ? "–" : value.toFixed(value < 10 ? 1 : 0);
  const rows = [["click to score", state.clickToScore], ["micro-batch", state.microBatch]];
  by("latency").replaceChildren(
    ...rows.map(([name, { count, p50, p95, p99 }]) =>
      cells(name, number.format(count), ms(p50), ms(p95), ms(p99))
    ),
  );
  renderConsistency(state.consistency);
  const errors = state.errors.length > 0
    ? state.errors.map(({ at, message }) => `${at.slice(0, 19).replace("T", " ")} ${message}`)
    : ["None."];
  by("errors").replaceChildren(...errors.map((text) => element("li", {}, text)));
}

function renderConsistency(checked) {
  if (checked === null) return;
  const wrong = checked.results.reduce((sum, r) => sum + r.differing + r.missing + r.extra, 0);
  const found = wrong === 0 ? "everything agrees" : `${wrong} keys differ`;
  by("checked").textContent = `${checked.at.slice(0, 19).replace("T", " ")}: ${found}.`;
  by("consistency").replaceChildren(
    ...checked.results.map((r) =>
      cells(r.table, r.store, ...[r.compared, r.differing, r.missing, r.extra].map(number.format))
    ),
  );
}

function cells(...texts) {
  return element("tr", {}, ...texts.map((text) => element("td", {}, text)));
}

function selectTab(tab, focus = true) {
  for (const other of document.querySelectorAll("[role=tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    by(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
}

function listen() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener("click", () => selectTab(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) selectTab(tabs[(i + step + tabs.length) % tabs.length]);
    });
  }
  by("checkout").addEventListener("click", async () => {
    const bought = visit.products.filter((product) => product.inCart);
    for (const { product_id } of bought) await click("purchase", product_id);
  });
  by("check").addEventListener("click", async () => {
    by("check").disabled = true;
    by("checked").textContent = "Comparing …";
    try {
      renderConsistency(await post("/api/consistency", {}));
    } catch (error) {
      by("checked").textContent = error.message;
    }
    by("check").disabled = false;
  });
}

function follow(session) {
  const source = new EventSource(`/api/live?session=${encodeURIComponent(session)}`);
  source.onopen = () => {
    by("connection").textContent = "live";
    by("connection").classList.add("live");
  };
  source.onerror = () => {
    by("connection").textContent = "reconnecting";
    by("connection").classList.remove("live");
  };
  source.addEventListener("shopper", (event) => renderVisit(JSON.parse(event.data)));
  source.addEventListener("operations", (event) => renderOperations(JSON.parse(event.data)));
}

listen();
shelves = await (await fetch("/api/catalogue")).json();
for (const product of shelves) products.set(product.product_id, product);
visit = await post("/api/shoppers", {});
renderShelf();
renderVisit(visit);
follow(visit.session);
