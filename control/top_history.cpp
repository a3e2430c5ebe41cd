#include "control/top_history.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>

#include <fmt/format.h>

#include "control/backend_report.hpp"
#include "control/port_watch.hpp"
#include "dataplane/drop.hpp"
#include "dataplane/event.hpp"
#include "dataplane/gauge.hpp"
#include "dataplane/route.hpp"

namespace synward::control {
namespace {

using nlohmann::json;

constexpr double kStateSeconds = 10;
// Between synward's clock when it answers and ours when we have it: as long as a question may take, and more.
constexpr double kClockSlackSeconds = 3;

template <typename Enum>
std::string_view label(const Table<Enum>& table, Enum value) {
  return table[static_cast<std::size_t>(value)].label;
}
std::uint64_t count(const json& total, Drop drop) {
  return total.at("drops").at(std::string{label(kDropTable, drop)});
}
std::uint64_t count(const json& total, Event event) {
  return total.at("events").at(std::string{label(kEventTable, event)});
}
std::uint64_t count(const json& total, Route route) {
  return total.at("routes").at(std::string{label(kRouteTable, route)});
}
std::uint64_t gauge(const json& total, Gauge gauge) {
  return total.at("gauges").at(std::string{label(kGaugeTable, gauge)});
}

template <typename... Kinds>
std::uint64_t sum(const json& total, Kinds... kinds) {
  return (count(total, kinds) + ...);
}

/// By how much a count grew. One that went back began again at zero; so did all of a process that began
/// `anew`.
std::uint64_t growth(std::uint64_t before, std::uint64_t now, bool anew) {
  return anew || now < before ? now : now - before;
}

std::array<std::uint64_t, kCountOf<TopRate>> read_rates(const json& total) {
  std::array<std::uint64_t, kCountOf<TopRate>> counts{};
  const auto at = [&](TopRate rate) -> auto& { return counts[static_cast<std::size_t>(rate)]; };
  at(TopRate::kSynIn) = sum(total, Route::kCommonSyn4, Route::kCommonSyn6, Route::kSyn4, Route::kSyn6);
  at(TopRate::kSynAckOut) = sum(total, Event::kSynAnswered);
  at(TopRate::kValid) = sum(total, Event::kCookieValid);
  // However a segment ended that fits no connection and brought no cookie that opens one. In the wire a few
  // pass unchanged first: of connections that are older than synward.
  at(TopRate::kInvalid) =
      sum(total, Drop::kBadCookie, Drop::kSpentCookie, Drop::kUnknownLimited, Event::kStrayReset);
  at(TopRate::kEstablished) = sum(total, Event::kPromoted);
  at(TopRate::kDropped) = total.at("dropped");
  return counts;
}

void read_table(const json& stats, TopView& view) {
  const json& total = stats.at("total");
  view.connections[0].now = gauge(total, Gauge::kConnections4);
  view.connections[1].now = gauge(total, Gauge::kConnections6);
  view.accept_queue = gauge(total, Gauge::kAcceptQueue);
  const json table = stats.value("table", json::object());
  for (std::size_t family = 0; const char* label : {"connections4", "connections6"}) {
    if (table.contains(label)) view.connections[family].capacity = table.at(label).get<std::uint64_t>();
    ++family;
  }
}

std::vector<TopView::Sources> read_sources(const json& talkers) {
  constexpr std::pair<const char*, const char*> kKinds[] = {
      {"syns", "SYNs"}, {"bad_cookies", "bad cookies"}, {"resets", "RSTs"}};
  std::vector<TopView::Sources> all;
  for (const auto& [kind, of] : kKinds) {
    if (!talkers.contains(kind) || talkers.at(kind).empty()) continue;
    auto& sources = all.emplace_back(TopView::Sources{of, {}});
    for (const auto& talker : talkers.at(kind))
      sources.prefixes.emplace_back(printable(talker.at("prefix").get<std::string>()), talker.at("count"));
  }
  return all;
}

std::vector<TopView::Backend> read_backends(const json& rows) {
  std::vector<TopView::Backend> backends;
  for (const auto& row : rows)
    backends.push_back({printable(backend_place(row)), row.at("down"), row.at("handshakes"),
                        row.at("refusals"), row.at("silences")});
  std::stable_partition(backends.begin(), backends.end(), [](const auto& backend) { return backend.down; });
  return backends;
}

/// What a person should know that is no rate.
std::vector<std::string> read_warnings(const json& stats) {
  std::vector<std::string> warnings;
  const json& total = stats.at("total");
  if (const auto cores = gauge(total, Gauge::kOverloadedCores); cores != 0)
    warnings.push_back(fmt::format("{} core(s) get more than they can answer", cores));
  if (const auto prefixes = gauge(total, Gauge::kLimitedPrefixes); prefixes != 0)
    warnings.push_back(fmt::format("SYNs of {} client prefix(es) are limited", prefixes));
  if (stats.contains("backends")) {
    const json& backends = stats.at("backends");
    const auto down =
        std::ranges::count_if(backends, [](const json& backend) { return backend.at("down").get<bool>(); });
    if (down != 0) warnings.push_back(fmt::format("{} of {} backend(s) down", down, backends.size()));
  }
  if (!stats.contains("ports")) return warnings;
  for (const auto& port : stats.at("ports")) {
    const auto name = printable(port.at("name").get<std::string>());
    if (port.at("resetting")) {
      warnings.push_back(fmt::format("port {} is being reset", name));
    } else if (port.at("link") != "up") {
      warnings.push_back(fmt::format("port {}: link down", name));
    }
  }
  return warnings;
}

/// Whatever should never be lost.
std::vector<std::pair<std::string, std::uint64_t>> read_losses(const json& stats) {
  const json& total = stats.at("total");
  std::vector<std::pair<std::string, std::uint64_t>> losses{
      {"clients turned away, the table is full: table_full", count(total, Drop::kTableFull)},
      {"clients turned away, the accept queue is full: accept_queue_full",
       count(total, Drop::kAcceptQueueFull)},
      {"frames lost between cores: steer_full", count(total, Drop::kSteerFull)},
      {"answers lost, the transmit queue is full: tx_full", count(total, Drop::kTxFull)}};
  if (!stats.contains("ports")) return losses;
  for (const auto& port : stats.at("ports")) {
    for (const auto& [loss, help] : port_losses())
      losses.emplace_back(
          fmt::format("frames lost at port {}: {}", printable(port.at("name").get<std::string>()), loss),
          port.at(std::string{loss}));
  }
  return losses;
}

void push(Series& series, std::optional<double> value, std::size_t times = 1) {
  series.insert(series.end(), times, value);
  while (series.size() > TopHistory::kMoments) series.pop_front();
}

}  // namespace

ServiceState next_state(ServiceState before, double syns_per_s, double valid_per_s) {
  const bool was_flooded = before == ServiceState::kFlooded, was_quiet = before == ServiceState::kQuiet;
  const double many = was_flooded ? 50 : 100, enough = was_flooded ? 0.2 : 0.1;
  const bool are_many = was_flooded ? syns_per_s >= many : syns_per_s > many;
  if (are_many && valid_per_s < enough * syns_per_s) return ServiceState::kFlooded;
  return syns_per_s >= (was_quiet ? 1 : 0.5) ? ServiceState::kBusy : ServiceState::kQuiet;
}

TopHistory::Answer TopHistory::read(const json& stats) {
  Answer answer;
  TopView& view = answer.view;
  view.version = printable(stats.at("version").get<std::string>());
  view.uptime_s = stats.at("uptime_s");
  answer.counts = read_rates(stats.at("total"));
  read_table(stats, view);
  const json& cores = stats.at("cores");
  for (const json& core : cores) answer.cores.emplace_back(core.at("busy_cycles"), core.at("idle_cycles"));
  if (stats.contains("services")) {
    for (const json& row : stats.at("services")) {
      view.services.push_back(
          {printable(row.at("name").get<std::string>()), printable(backend_place(row)), {}, {}, {}});
      answer.services.push_back({row.at("syns"), row.at("cookies_valid"), row.at("cookies_bad")});
    }
  }
  if (stats.contains("talkers")) view.sources = read_sources(stats.at("talkers"));
  if (stats.contains("backends")) view.backends = read_backends(stats.at("backends"));
  view.warnings = read_warnings(stats);
  answer.losses = read_losses(stats);
  return answer;
}

/// Whether another process answers than the last time: it is younger than that one would be.
bool TopHistory::is_another(const Answer& now, double at_s) const {
  const double waited_s = at_s - answered_at_s_;
  return now.view.uptime_s < view_.uptime_s + std::max(waited_s - kClockSlackSeconds, 0.0);
}

/// Series have a moment for each interval. Returns how many have passed since the last question, at least
/// one: more when nobody asked in time.
std::size_t TopHistory::moments_until(double at_s) {
  const double since = asked_at_s_ ? (at_s - *asked_at_s_) / view_.interval_s : 1;
  asked_at_s_ = at_s;
  return static_cast<std::size_t>(std::clamp(std::round(since), 1.0, double{kMoments}));
}

void TopHistory::add_silence(std::string_view why, double at_s) {
  const std::size_t moments = moments_until(at_s);
  if (last_) {
    for (Series& rate : view_.rates) push(rate, {}, moments);
    for (auto& family : view_.connections) push(family.fill, {}, moments);
    for (Series& core : view_.cores) push(core, {}, moments);
    for (auto& service : view_.services)
      service.syns_per_s = service.valid_per_s = service.invalid_per_s = {};
    view_.silent_s = at_s - answered_at_s_;
  }
  view_.silence = printable(why);
}

void TopHistory::add(const json& stats, double at_s) {
  Answer now = read(stats);
  const std::size_t moments = moments_until(at_s);
  if (last_) {
    const bool anew = is_another(now, at_s);
    const double elapsed_s = anew ? now.view.uptime_s : now.view.uptime_s - view_.uptime_s;
    if (elapsed_s <= 0) return;  // asked twice at once
    follow_services(now, elapsed_s, anew);
    follow(now, elapsed_s, anew, moments);
  } else {
    now.view.cores.resize(now.cores.size());
    recent_.resize(now.services.size());
  }
  now.view.interval_s = view_.interval_s;
  view_ = std::move(now.view);
  answered_at_s_ = at_s;
  last_ = std::move(now);
}

/// Brings the series up to `now`, and moves them there. What grew in several moments grew evenly, as far as
/// anybody knows; but of those before a synward began anew, nothing is known.
void TopHistory::follow(Answer& now, double elapsed_s, bool anew, std::size_t moments) {
  const auto per_s = [&](std::uint64_t before, std::uint64_t after) {
    return static_cast<double>(growth(before, after, anew)) / elapsed_s;
  };
  const auto add_grown = [&](Series& series, std::optional<double> value) {
    push(series, anew ? std::nullopt : value, moments - 1);
    push(series, value);
  };
  for (std::size_t r = 0; r < now.counts.size(); ++r)
    add_grown(view_.rates[r], per_s(last_->counts[r], now.counts[r]));
  for (std::size_t f = 0; f < now.view.connections.size(); ++f) {
    const auto& family = now.view.connections[f];
    const bool known = family.capacity && *family.capacity != 0;
    push(view_.connections[f].fill, {}, moments - 1);
    push(view_.connections[f].fill,
         known ? std::optional{static_cast<double>(family.now) / static_cast<double>(*family.capacity)}
               : std::nullopt);
  }
  view_.cores.resize(now.cores.size());
  for (std::size_t c = 0; c < std::min(now.cores.size(), last_->cores.size()); ++c) {
    const auto busy = per_s(last_->cores[c].first, now.cores[c].first);
    const auto idle = per_s(last_->cores[c].second, now.cores[c].second);
    add_grown(view_.cores[c], busy + idle > 0 ? std::optional{busy / (busy + idle)} : std::nullopt);
  }
  for (const auto& [what, lost] : now.losses) {
    const auto before = std::ranges::find(last_->losses, what, [](const auto& loss) { return loss.first; });
    if (before == last_->losses.end()) continue;
    if (const double rate = per_s(before->second, lost); rate > 0)
      now.view.warnings.push_back(fmt::format("{} {}/s", what, compact(rate)));
  }
  now.view.rates = std::move(view_.rates);
  now.view.cores = std::move(view_.cores);
  for (std::size_t f = 0; f < now.view.connections.size(); ++f)
    now.view.connections[f].fill = std::move(view_.connections[f].fill);
}

/// A service is known again by its name and place: a new config may have others, in another order.
void TopHistory::follow_services(Answer& now, double elapsed_s, bool anew) {
  const auto key = [](const TopView::Service& service) { return std::pair{service.name, service.place}; };
  std::map<std::pair<std::string, std::string>, std::size_t> old;
  for (std::size_t s = 0; s < view_.services.size(); ++s) old[key(view_.services[s])] = s;
  std::vector<std::vector<Moment>> recent(now.services.size());
  for (std::size_t s = 0; s < now.services.size(); ++s) {
    TopView::Service& service = now.view.services[s];
    const auto known = old.find(key(service));
    if (known == old.end()) continue;
    const ServiceCounts &before = last_->services[known->second], &after = now.services[s];
    const Moment moment{elapsed_s, growth(before.syns, after.syns, anew),
                        growth(before.valid, after.valid, anew)};
    service.syns_per_s = static_cast<double>(moment.syns) / elapsed_s;
    service.valid_per_s = static_cast<double>(moment.valid) / elapsed_s;
    service.invalid_per_s = static_cast<double>(growth(before.invalid, after.invalid, anew)) / elapsed_s;
    recent[s] = std::move(recent_[known->second]);
    recent[s].push_back(moment);
    double seconds = 0;
    auto first = recent[s].end();
    while (first != recent[s].begin() && seconds < kStateSeconds) seconds += (--first)->elapsed_s;
    recent[s].erase(recent[s].begin(), first);
    std::uint64_t syns = 0, valid = 0;
    for (const Moment& m : recent[s]) {
      syns += m.syns;
      valid += m.valid;
    }
    service.state = next_state(view_.services[known->second].state, static_cast<double>(syns) / seconds,
                               static_cast<double>(valid) / seconds);
  }
  recent_ = std::move(recent);
}

}  // namespace synward::control
