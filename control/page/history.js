"use strict";
// What synward's answers come to: rates, and how they went. The sums are those of `synward top`: top_history.cpp.

const kIntervalS = 1;
const kMoments = 300; // of each series: all that is remembered, however long the page is open
const kStateS = 10;
// Between synward's clock when it answers and ours when we have it: as long as a question may take.
const kClockSlackS = 3;

/// What `stats.total` has of each rate; the labels are the tables' of dataplane/.
const kRates = {
  syn_in: (total) => sum(total.routes, "common_syn4", "common_syn6", "syn4", "syn6"),
  syn_ack_out: (total) => sum(total.events, "syn_answered"),
  valid: (total) => sum(total.events, "cookie_valid"),
  invalid: (total) => sum(total.drops, "bad_cookie", "spent_cookie", "unknown_limited") + sum(total.events, "stray_reset"),
  established: (total) => sum(total.events, "promoted"),
  dropped: (total) => sum(total, "dropped"),
};

/// Throws where a label is missing: what answered is no synward, or another than this page belongs to.
function sum(counts, ...labels) {
  return labels.reduce((all, label) => {
    if (typeof counts?.[label] !== "number") throw new Error(`what answers has no "${label}"`);
    return all + counts[label];
  }, 0);
}

/// By how much a count grew. One that went back began again at zero; so did all of a process that began `anew`.
function growth(before, now, anew) {
  return anew || now < before ? now : now - before;
}

/// next_state() of top_history.hpp, which says why.
function next_state(before, syns_per_s, valid_per_s) {
  const many = before === "flooded" ? 50 : 100;
  const enough = before === "flooded" ? 0.2 : 0.1;
  const are_many = before === "flooded" ? syns_per_s >= many : syns_per_s > many;
  if (are_many && valid_per_s < enough * syns_per_s) return "flooded";
  return syns_per_s >= (before === "quiet" ? 1 : 0.5) ? "busy" : "quiet";
}

function push(series, value, times = 1) {
  for (let i = 0; i < times; ++i) series.push(value);
  series.splice(0, series.length - kMoments);
}

/// Names a count; no name that is chosen by somebody else comes to that of another.
const key_of = (...words) => JSON.stringify(words);
/// A service is known again by its name and place: a new config may have others, in another order.
const key_of_service = (service, label) => key_of("service", service.name, service.address, service.port, label);

function read_counts(stats) {
  const { total, cores, services = [], ports = [] } = stats;
  const counts = new Map([[key_of("rx"), sum(total, "rx")]]);
  for (const name in kRates) counts.set(key_of("rate", name), kRates[name](total));
  for (const kind of ["drops", "events"]) {
    for (const label in total[kind]) counts.set(key_of(kind, label), sum(total[kind], label));
  }
  cores.forEach((core, i) => {
    for (const label of ["busy_cycles", "idle_cycles"]) counts.set(key_of("core", i, label), sum(core, label));
  });
  for (const service of services) {
    for (const label of ["syns", "cookies_valid", "cookies_bad"]) counts.set(key_of_service(service, label), sum(service, label));
  }
  for (const port of ports) {
    for (const label in kMeanings.losses) counts.set(key_of("loss", port.name, label), sum(port, label));
  }
  return counts;
}

class History {
  stats = null; // the last answer; null: there was none yet
  silence = null; // why the last question got no answer; null: it got one
  rates = Object.fromEntries(Object.keys(kRates).map((name) => [name, []])); // per second; null: not known
  fill = { connections4: [], connections6: [] }; // the part of the capacity, from 0 to 1
  cores = []; // the busy part, from 0 to 1
  #counts;
  #recent = []; // how much each count grew, answer by answer; of the last 10 s
  #states = new Map(); // of services
  #answered_at_s = 0;
  #asked_at_s = null;

  /// An answer, taken at `at_s` on a clock that never goes back. Throws, and nothing changes, when that is no answer of a synward.
  add(stats, at_s) {
    const counts = read_counts(stats);
    const uptime_s = sum(stats, "uptime_s");
    const moments = this.#moments_until(at_s);
    if (this.stats !== null) {
      const anew = this.#is_another(uptime_s, counts, at_s);
      const elapsed_s = anew ? uptime_s : uptime_s - this.stats.uptime_s;
      if (elapsed_s > 0) this.#follow(stats, counts, elapsed_s, anew, moments);
    }
    this.stats = stats;
    this.#counts = counts;
    this.#answered_at_s = at_s;
    this.silence = null;
  }

  /// No answer, and why.
  add_silence(why, at_s) {
    const moments = this.#moments_until(at_s);
    if (this.stats !== null) {
      for (const series of [...Object.values(this.rates), ...Object.values(this.fill), ...this.cores]) push(series, null, moments);
    }
    this.silence = why;
  }

  silent_s(at_s) {
    return at_s - this.#answered_at_s;
  }
  /// Since the answer before; null: not known.
  per_s(...key) {
    return this.silence === null ? this.#mean_of(this.#recent.slice(-1), key_of(...key)) : null;
  }
  /// Of the last 10 s: what is put in order by it does not jump to and fro.
  lately_per_s(...key) {
    return this.#mean_of(this.#recent, key_of(...key)) ?? 0;
  }
  count(...key) {
    return this.#counts.get(key_of(...key)) ?? 0;
  }
  service(service) {
    const per_s = (label) => this.per_s("service", service.name, service.address, service.port, label);
    const state = this.#states.get(key_of_service(service)) ?? "quiet";
    return { state, syns_per_s: per_s("syns"), valid_per_s: per_s("cookies_valid"), bad_per_s: per_s("cookies_bad") };
  }

  /// Whether another process answers than the last time: it is younger than that one would be, or has received less.
  #is_another(uptime_s, counts, at_s) {
    const waited_s = Math.max(at_s - this.#answered_at_s - kClockSlackS, 0);
    return uptime_s < this.stats.uptime_s + waited_s || counts.get(key_of("rx")) < this.count("rx");
  }

  /// Series have a moment for each interval. Returns how many have passed since the last question, at least one: more when the
  /// browser, which lets hidden pages sleep, did not ask in time.
  #moments_until(at_s) {
    const since = this.#asked_at_s === null ? 1 : (at_s - this.#asked_at_s) / kIntervalS;
    this.#asked_at_s = at_s;
    return Math.min(Math.max(Math.round(since), 1), kMoments);
  }

  /// Brings all series up to `stats`. What grew in several moments grew evenly, as far as anybody knows; but of those before a
  /// synward began anew, nothing is known.
  #follow(stats, counts, elapsed_s, anew, moments) {
    const grown = new Map();
    for (const [key, count] of counts) {
      if (this.#counts.has(key)) grown.set(key, growth(this.#counts.get(key), count, anew));
    }
    this.#recent.push({ elapsed_s, grown });
    let seconds = 0;
    let first = this.#recent.length;
    while (first > 0 && seconds < kStateS) seconds += this.#recent[--first].elapsed_s;
    this.#recent.splice(0, first);

    const add_grown = (series, value) => {
      push(series, anew ? null : value, moments - 1);
      push(series, value);
    };
    const grown_by = (...key) => grown.get(key_of(...key)) ?? 0;
    for (const name in kRates) add_grown(this.rates[name], grown_by("rate", name) / elapsed_s);
    for (const label in this.fill) {
      const capacity = stats.table?.[label];
      push(this.fill[label], null, moments - 1);
      push(this.fill[label], capacity > 0 ? sum(stats.total.gauges, label) / capacity : null);
    }
    this.cores.length = Math.min(this.cores.length, stats.cores.length);
    while (this.cores.length < stats.cores.length) this.cores.push([]);
    this.cores.forEach((series, i) => {
      const busy = grown_by("core", i, "busy_cycles");
      const cycles = busy + grown_by("core", i, "idle_cycles");
      add_grown(series, cycles > 0 ? busy / cycles : null);
    });
    this.#follow_services(stats.services ?? []);
  }

  #follow_services(services) {
    const states = new Map();
    for (const service of services) {
      const lately = (label) => this.#mean_of(this.#recent, key_of_service(service, label)) ?? 0;
      const key = key_of_service(service);
      states.set(key, next_state(this.#states.get(key) ?? "quiet", lately("syns"), lately("cookies_valid")));
    }
    this.#states = states;
  }

  #mean_of(moments, key) {
    let all = 0;
    let seconds = 0;
    for (const { elapsed_s, grown } of moments) {
      if (!grown.has(key)) continue;
      all += grown.get(key);
      seconds += elapsed_s;
    }
    return seconds > 0 ? all / seconds : null;
  }
}
