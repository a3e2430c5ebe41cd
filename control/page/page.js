"use strict";
// Asks, and shows. Whatever comes from an answer goes into the page as text or as an attribute's number, never as HTML.

const kPatienceMs = 3000;
const kFew = 10; // rows of a list, unless somebody wants all
const kNearlyFull = 0.9;
const kBusyCore = 0.95;
const kMeanings = JSON.parse(by_id("meanings").textContent);

const past = new History();
const opened = new Set(); // lists of which all rows are shown
let health = null; // the last answer to /health

function by_id(id) {
  return document.getElementById(id);
}
const now_s = () => performance.now() / 1000;

/// Touches the page only where it says something else: a selection stays, and so does what a screen reader reads.
function set_text(node, text) {
  text = String(text);
  if (node.textContent !== text) node.textContent = text;
}
/// By class, what the parts of a copied template say.
function set_texts(node, texts) {
  for (const name in texts) set_text(node.querySelector(`.${name}`), texts[name]);
}
function set_bar(node, share) {
  node.querySelector(".bar").style.setProperty("--share", `${(100 * share).toFixed(1)}%`);
}
const copy_of = (template) => by_id(template).content.firstElementChild.cloneNode(true);

/// Brings the children of `list` up to `items`: those that are there serve again, so that the page does not grow.
function fill(list, template, items, write) {
  const none = list.querySelector(":scope > .none");
  if (items.length === 0 && none !== null) return;
  none?.remove();
  while (list.children.length > items.length) list.lastElementChild.remove();
  while (list.children.length < items.length) list.append(copy_of(template));
  items.forEach((item, i) => write(list.children[i], item));
  if (items.length === 0 && list.dataset.none !== undefined) list.append(row_of_none(list));
}
function row_of_none(list) {
  const row = copy_of(list.tagName === "TBODY" ? "none-in-table" : "none-in-list");
  (row.firstElementChild ?? row).textContent = list.dataset.none;
  return row;
}

/// The same, of the first few, with a button for all.
function fill_few(id, template, items, write) {
  const list = by_id(id);
  fill(list, template, opened.has(id) ? items : items.slice(0, kFew), write);
  const place = list.closest("table, ul");
  let button = place.nextElementSibling;
  if (!button?.matches("button")) {
    button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => {
      if (!opened.delete(id)) opened.add(id);
      draw();
    });
    place.after(button);
  }
  button.hidden = items.length <= kFew;
  button.setAttribute("aria-expanded", opened.has(id));
  set_text(button, opened.has(id) ? `only the first ${kFew}` : `all ${items.length}`);
}

const span = () => Math.max(past.rates.syn_in.length, 60);
const span_text = () => `last ${duration(span() * kIntervalS)}`;
const place_of = ({ address, port }) => `${address.includes(":") ? `[${address}]` : address}:${port}`;

function draw_syns() {
  const { syn_in, syn_ack_out } = past.rates;
  for (const [name, series] of [["syn_in", syn_in], ["syn_ack_out", syn_ack_out]]) {
    set_text(by_id(`${name}-now`), compact(newest(series)));
    set_text(by_id(`${name}-all`), in_full(past.count("rate", name)));
  }
  const top = Math.max(peak(syn_in) ?? 0, peak(syn_ack_out) ?? 0);
  set_text(by_id("syn_in-peak"), compact(peak(syn_in)));
  set_text(by_id("syns-top"), top > 0 ? `${compact(top)}/s` : "");
  const svg = by_id("syns-chart");
  draw_curve(svg.querySelector(".in"), syn_in, span(), top);
  draw_curve(svg.querySelector(".out"), syn_ack_out, span(), top);
  svg.setAttribute("aria-label", `SYNs answered per second, ${span_text()}: now ${compact(newest(syn_ack_out))}`);
  for (const node of document.querySelectorAll(".span")) set_text(node, duration(span() * kIntervalS) + " ago");
}

function tile(id) {
  const card = by_id(id);
  if (card.children.length === 1) card.append(copy_of("tile-of"));
  return card;
}
function draw_tile(id, series, top, now, unit, more) {
  const card = tile(id);
  set_texts(card, { now, unit, more });
  const svg = card.querySelector("svg");
  draw_curve(svg, series, span(), top);
  svg.setAttribute("aria-label", `${card.querySelector("h2").textContent}, ${span_text()}: now ${now} ${unit}`);
}
function draw_tiles() {
  for (const name of ["valid", "invalid", "established", "dropped"]) {
    const series = past.rates[name];
    const most = peak(series);
    draw_tile(name, series, most, compact(newest(series)), "/s", `most ${compact(most)}\nin all ${in_full(past.count("rate", name))}`);
  }
  const { table = {}, total } = past.stats;
  const waiting = total.gauges.accept_queue;
  for (const label of ["connections4", "connections6"]) {
    const capacity = table[label];
    const count = total.gauges[label];
    by_id(label).hidden = capacity === undefined && count === 0;
    const share = capacity > 0 ? count / capacity : null;
    const queue = waiting > 0 && label === "connections4" ? `${in_full(waiting)} wait to be accepted` : "";
    const most = peak(past.fill[label]);
    draw_tile(label, past.fill[label], 1, compact(count), `of ${compact(capacity)}`, `${percent(share, 1)} full, most ${percent(most, 1)}\n${queue}`);
    by_id(label).classList.toggle("alarm", share >= kNearlyFull);
  }
}

function draw_services() {
  const rank = { flooded: 0, busy: 1, quiet: 2 };
  const rows = (past.stats.services ?? []).map((service) => ({ ...service, ...past.service(service) }));
  rows.sort((one, other) => rank[one.state] - rank[other.state]);
  fill_few("services", "service-of", rows, (row, service) => {
    set_texts(row, {
      name: service.name,
      badge: service.state,
      place: place_of(service),
      syns: compact(service.syns_per_s),
      valid: compact(service.valid_per_s),
      invalid: compact(service.bad_per_s),
    });
    row.className = service.state;
  });
}

/// Those that counted something, what grows fastest first.
function draw_counters(id, rows) {
  const shown = rows.filter((row) => row.all > 0).map((row) => ({ ...row, lately: past.lately_per_s(...row.key) }));
  shown.sort((one, other) => other.lately - one.lately || other.all - one.all);
  const most = shown[0]?.lately ?? 0;
  fill(by_id(id), "counter-of", shown, (row, { key, label, meaning, all, lately }) => {
    set_texts(row, { label, meaning: meaning ?? "", rate: compact(past.per_s(...key)), all: in_full(all) });
    set_bar(row, most > 0 ? lately / most : 0);
  });
}
function draw_all_counters() {
  const { total, ports = [] } = past.stats;
  for (const kind of ["drops", "events"]) {
    const row = ([label, all]) => ({ key: [kind, label], label, meaning: kMeanings[kind][label], all });
    draw_counters(kind, Object.entries(total[kind]).map(row));
  }
  const losses_of = ({ name, ...port }) => {
    const row = ([label, meaning]) => ({ key: ["loss", name, label], label: `${name} ${label}`, meaning, all: port[label] });
    return Object.entries(kMeanings.losses).map(row);
  };
  draw_counters("losses", ports.flatMap(losses_of));
  fill(by_id("gauges"), "gauge-of", Object.entries(total.gauges), (row, [label, all]) => {
    set_texts(row, { label, meaning: kMeanings.gauges[label] ?? "", all: in_full(all) });
  });
}

function draw_talkers() {
  const talkers = past.stats.talkers ?? {};
  for (const kind of ["syns", "bad_cookies", "resets"]) {
    const rows = talkers[kind] ?? [];
    fill(by_id(`talk-${kind}`), "talker-of", rows, (row, { prefix, count }) => {
      set_texts(row, { prefix, count: compact(count) });
      set_bar(row, count / rows[0].count);
    });
  }
}

function draw_cores() {
  const known = past.cores.map(newest).filter((share) => share !== null);
  const mean = known.reduce((all, share) => all + share, 0) / known.length;
  set_text(by_id("cores-mean"), known.length > 1 ? `busy: ${percent(mean)} on average, at most ${percent(Math.max(...known))}` : "busy");
  const cores = past.stats.cores.map((_, number) => ({ number, series: past.cores[number] ?? [] }));
  fill(by_id("cores"), "core-of", cores, (cell, { number, series }) => {
    const share = newest(series);
    set_texts(cell, { number, busy: percent(share) });
    cell.classList.toggle("alarm", share >= kBusyCore);
    draw_curve(cell.querySelector("svg"), series, span(), 1);
    cell.querySelector("svg").setAttribute("aria-label", `core ${number}, busy, ${span_text()}`);
  });
}

function draw_backends() {
  const { backends } = past.stats;
  by_id("backends-card").hidden = backends === undefined;
  const rows = [...(backends ?? [])].sort((one, other) => other.down - one.down);
  fill_few("backends", "backend-of", rows, (row, backend) => {
    const { handshakes, refusals, silences, down } = backend;
    const counts = { answered: compact(handshakes), refused: compact(refusals), silent: compact(silences) };
    set_texts(row, { place: place_of(backend), badge: down ? "down" : "up", ...counts });
    row.className = down ? "down" : "up";
  });
}

function draw_ports() {
  fill(by_id("ports"), "port-of", past.stats.ports ?? [], (row, port) => {
    const speed = port.link_mbps > 0 ? `${compact(port.link_mbps / 1000)} Gbit/s · ` : "";
    const queues = counted(port.receive_queues, "queue", "queues");
    const rss = [...new Set(Object.values(port.rss))].join(" and ");
    const resets = port.resets > 0 ? ` · reset ${counted(port.resets, "time", "times")}` : "";
    const more = `${speed}${port.driver} · ${queues} · RSS ${rss}${resets}`;
    set_texts(row, { name: port.name, badge: port.resetting ? "resetting" : port.link, more });
    row.className = port.link === "up" && !port.resetting ? "up" : "down";
  });
}

function draw() {
  const { version, cores, uptime_s } = past.stats;
  set_text(by_id("about"), `${version} · ${counted(cores.length, "worker", "workers")} · up ${duration(uptime_s)}`);
  const parts = [draw_health, draw_syns, draw_tiles, draw_services, draw_all_counters, draw_talkers, draw_cores, draw_backends, draw_ports];
  for (const part of parts) part();
}

function show(stats, now_healthy, at_s) {
  past.add(stats, at_s);
  health = now_healthy;
  draw();
}

async function get(what) {
  const answer = await fetch(what, { cache: "no-store", signal: AbortSignal.timeout(kPatienceMs) });
  if (!answer.ok && answer.status !== 503) throw new Error(`/${what} answers ${answer.status}`);
  return answer.json();
}

let asking = false;
async function ask() {
  if (!asking) {
    asking = true;
    try {
      const [stats, now_healthy] = await Promise.all([get("stats"), get("health")]);
      show(stats, now_healthy, now_s());
    } catch (error) {
      past.add_silence(error.message, now_s());
    }
    asking = false;
  }
  if (past.silence !== null) draw_health();
}
ask();
setInterval(ask, 1000 * kIntervalS);
