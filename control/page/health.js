"use strict";
// What matters before all figures: whether synward does its work, and what a person should know besides.

let page_version; // of the synward that sent this page

function flood_text(services) {
  const names = services.filter((service) => past.service(service).state === "flooded").map((service) => service.name);
  if (names.length === 0) return [];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return [`Under flood: ${names.slice(0, 3).join(", ")}${more}`];
}

/// What should never be lost, and is being lost now.
function loss_texts(ports) {
  const losses = [
    ["Clients turned away, the table is full", "drops", "table_full"],
    ["Clients turned away, the accept queue is full", "drops", "accept_queue_full"],
    ["Frames lost between cores", "drops", "steer_full"],
    ["Answers lost, the transmit queue is full", "drops", "tx_full"],
  ];
  for (const port of ports) {
    for (const label in kMeanings.losses) losses.push([`Frames lost at port ${port.name}, ${label}`, "loss", port.name, label]);
  }
  const lost = losses.map(([text, ...key]) => ({ text, per_s: past.per_s(...key) }));
  return lost.filter(({ per_s }) => per_s > 0).map(({ text, per_s }) => `${text}: ${compact(per_s)}/s`);
}

function warnings() {
  const { version, total, services = [], backends = [], ports = [] } = past.stats;
  const { overloaded_cores, limited_prefixes } = total.gauges;
  const found = flood_text(services);
  if (overloaded_cores > 0) found.push(`${counted(overloaded_cores, "core gets", "cores get")} more than can be answered`);
  if (limited_prefixes > 0) found.push(`SYNs of ${counted(limited_prefixes, "client prefix are", "client prefixes are")} limited`);
  const down = backends.filter((backend) => backend.down).length;
  if (down > 0) found.push(`${down} of ${counted(backends.length, "backend", "backends")} down`);
  found.push(...loss_texts(ports));
  page_version ??= version;
  if (version !== page_version) found.push(`This page is of ${page_version}: load it again`);
  return found;
}

/// What is said of synward: in a word or two, what belongs to it, why, and how it looks.
function verdict() {
  const stats = past.stats;
  if (past.silence !== null) {
    const reasons = [past.silence];
    if (stats === null) return { state: "No answer yet", since: "", reasons, look: "bad" };
    return { state: "No answer", since: `since ${duration(past.silent_s(now_s()))}; what is below was then`, reasons, look: "bad" };
  }
  if (stats.draining) {
    const left = stats.total.gauges.connections4 + stats.total.gauges.connections6;
    const others = health.reasons.filter((reason) => !reason.startsWith("draining"));
    return { state: "Draining", since: `no new connections; ${in_full(left)} left`, reasons: others, look: others.length > 0 ? "bad" : "drained" };
  }
  if (health.healthy) return { state: "Healthy", since: "", reasons: [], look: "good" };
  return { state: "Not healthy", since: "", reasons: health.reasons, look: "bad" };
}

/// Also when nobody answers.
function draw_health() {
  const is_lost = past.silence !== null;
  const { state, since, reasons, look } = verdict();
  document.body.className = past.stats === null ? "waiting" : is_lost ? "lost" : "";
  by_id("health").className = `banner ${look}`;
  set_text(by_id("state"), state);
  set_text(by_id("since"), since);
  fill(by_id("reasons"), "notice-of", reasons, set_text);
  fill(by_id("warnings"), "notice-of", is_lost ? [] : warnings(), set_text);
  document.title = `${state}${is_lost ? "" : ` · ${compact(newest(past.rates.syn_in))} SYN/s`} · synward`;
}
