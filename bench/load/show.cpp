#include "bench/load/show.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <span>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "bench/load/report.hpp"

namespace synward::load {
namespace {

using namespace std::chrono_literals;
using Pointer = nlohmann::json::json_pointer;

constexpr std::chrono::milliseconds kPeriod = 1s, kGlance = 20ms, kUntilQuiet = 2s;
constexpr auto kColumns = "{:>6}  {:>10}  {:>14}  {:>10}  {:>6}  {:>10}  {:>6}  {}\n";

std::uint64_t total(const nlohmann::json& stats, const std::string& path) {
  return stats.at(Pointer{"/total/" + path});
}
std::uint64_t syns_in(const nlohmann::json& stats) {
  std::uint64_t syns = 0;
  for (const char* route : {"common_syn4", "common_syn6", "syn4", "syn6"})
    syns += total(stats, std::string{"routes/"} + route);
  return syns;
}
bool balances(const nlohmann::json& stats) { return stats.at(Pointer{"/total/balances"}); }
std::uint64_t syn_acks_out(const nlohmann::json& stats) { return total(stats, "events/syn_answered"); }

std::uint64_t promoted(const nlohmann::json& stats) { return total(stats, "events/promoted"); }
/// Of so many SYNs, or SYN-ACKs, those that opened no connection.
std::uint64_t of_the_flood(std::uint64_t count, const nlohmann::json& stats) {
  return count - std::min(count, promoted(stats));
}

/// What a count grew by in a second, between two answers of synward.
class Rates {
 public:
  Rates(const Moment& now, const Moment& before)
      : now_{now.stats},
        before_{before.stats},
        elapsed_s_{now_.at("uptime_s").get<double>() - before_.at("uptime_s").get<double>()} {}
  [[nodiscard]] std::uint64_t operator()(std::uint64_t now, std::uint64_t before) const {
    return elapsed_s_ > 0
               ? static_cast<std::uint64_t>(std::llround(static_cast<double>(now - before) / elapsed_s_))
               : 0;
  }
  template <typename Read>
  [[nodiscard]] std::uint64_t of(Read&& read) const {
    return (*this)(read(now_), read(before_));
  }
  /// "bad_cookie 12/s, tx_full 3/s"
  [[nodiscard]] std::string drops() const {
    std::string text;
    for (const auto& [reason, count] : now_.at("total").at("drops").items()) {
      const auto rate = (*this)(count, total(before_, "drops/" + reason));
      if (rate != 0) text += fmt::format(", {} {}/s", reason, grouped(rate));
    }
    return text.empty() ? "none" : text.substr(2);
  }

 private:
  const nlohmann::json& now_;
  const nlohmann::json& before_;
  double elapsed_s_;
};

/// "0.31 ms": what 99 of 100 clients did not exceed, of those from number `first` on.
std::string p99_text(const ClientReport& report, std::size_t first) {
  const auto values = std::span{report.connect_us}.subspan(std::min(first, report.connect_us.size()));
  return values.empty() ? "-" : fmt::format("{:.2f} ms", percentile(values, 0.99) / 1000.0);
}

/// What became of all frames, as a sum that the reader can check.
std::string account_of(const nlohmann::json& stats) {
  constexpr std::pair<const char*, const char*> kEnds[] = {{"sent", "answered"},
                                                           {"forwarded", "passed on"},
                                                           {"held", "held"},
                                                           {"handed_over", "moved to another core"},
                                                           {"dropped", "dropped"}};
  std::string text =
      fmt::format("{} frames came in", grouped(total(stats, "rx") + total(stats, "taken_over")));
  const char* before = " = ";
  for (const auto& [path, what] : kEnds) {
    if (const auto count = total(stats, path); count != 0) {
      text += fmt::format("{}{} {}", before, grouped(count), what);
      before = " + ";
    }
  }
  before = " (";
  for (const auto& [reason, count] : stats.at("total").at("drops").items()) {
    if (count == 0) continue;
    text += fmt::format("{}{} {}", before, reason, grouped(count));
    before = ", ";
  }
  return text + (*before == ',' ? ")" : "");
}

/// Some counters are a burst old while frames are under way.
Moment last_moment(const Source& source) {
  Moment moment = source.now();
  for (const auto limit = std::chrono::steady_clock::now() + kUntilQuiet;
       !balances(moment.stats) && std::chrono::steady_clock::now() < limit; moment = source.now())
    std::this_thread::sleep_for(kGlance);
  return moment;
}

/// Lines of a terminal, written over those that stand there.
class Place {
 public:
  void put(const std::string& block) {
    if (lines_ != 0) std::cout << "\033[" << lines_ << "A\033[J";
    lines_ = std::count(block.begin(), block.end(), '\n');
    std::cout << block << std::flush;
  }

 private:
  std::ptrdiff_t lines_ = 0;
};

/// False once it is over; looks often, so that the end is not a second late and few connections come and go
/// unseen.
bool wait_a_period(const Source& source, std::uint64_t& most_connections) {
  const auto until = std::chrono::steady_clock::now() + kPeriod;
  while (std::chrono::steady_clock::now() < until) {
    most_connections = std::max(most_connections, connections_in(source.stats()));
    if (source.is_over()) return false;
    std::this_thread::sleep_for(kGlance);
  }
  return true;
}

}  // namespace

std::uint64_t connections_in(const nlohmann::json& stats) {
  return total(stats, "gauges/connections4") + total(stats, "gauges/connections6");
}

bool passed(const Moment& last) {
  const ClientReport& clients = last.clients;
  return clients.started != 0 && clients.closed == clients.started &&
         2 * of_the_flood(syn_acks_out(last.stats), last.stats) >= last.flood.sent && balances(last.stats);
}

std::string column_names() {
  return fmt::format(kColumns, "time", "SYNs in/s", "SYN-ACKs out/s", "handshakes", "failed", "p99", "table",
                     "drops");
}

std::string line_of(const Moment& now, const Moment& before) {
  const Rates rate{now, before};
  return fmt::format(kColumns, fmt::format("{:.0f} s", now.second), grouped(rate.of(syns_in)),
                     grouped(rate.of(syn_acks_out)), grouped(now.clients.connected),
                     grouped(now.clients.failed()), p99_text(now.clients, before.clients.connect_us.size()),
                     grouped(connections_in(now.stats)), rate.drops());
}

std::string block_of(const Moment& now, const Moment& before) {
  const Rates rate{now, before};
  const auto row = [](std::string_view what, const std::string& value, std::string_view note = "") {
    return fmt::format("  {:<14}{:>12}  {}\n", what, value, note);
  };
  const auto counted = [&](std::string_view what, auto&& read) {
    return row(what, grouped(rate.of(read)) + "/s", grouped(read(now.stats)) + " in all");
  };
  return fmt::format("synward under a SYN flood, second {:.0f}\n", now.second) + counted("SYNs in", syns_in) +
         counted("SYN-ACKs out", syn_acks_out) +
         row("handshakes", grouped(now.clients.connected),
             fmt::format("completed by real clients, {} failed", grouped(now.clients.failed()))) +
         row("", p99_text(now.clients, before.clients.connect_us.size()),
             "is what 99 of 100 waited at most, in this second") +
         row("table", grouped(connections_in(now.stats)), "connections") + row("drops", rate.drops());
}

std::string summary_of(const Moment& last, std::uint64_t most_connections) {
  const ClientReport& clients = last.clients;
  const std::uint64_t sent = last.flood.sent, arrived = of_the_flood(syns_in(last.stats), last.stats);
  std::string text = fmt::format(
      "\nIn {:.1f} s {} SYNs came from made-up addresses, {} a second. Meanwhile {} of {} real clients\n"
      "connected, said a line and closed: {}.\n",
      last.flood.elapsed_s, grouped(sent), grouped(static_cast<std::uint64_t>(last.flood.per_second())),
      grouped(clients.closed), grouped(clients.started), latency_text(clients));
  text += fmt::format(
      "synward answered {} SYNs, each with a cookie, and remembered none of them. {} cookies came\n"
      "back, and only these became connections: at most {} were seen in its table at a time.\n",
      grouped(syn_acks_out(last.stats)), grouped(promoted(last.stats)), grouped(most_connections));
  text += fmt::format("{}: {}.\n",
                      balances(last.stats) ? "All frames are accounted for" : "The frames do not add up",
                      account_of(last.stats));
  if (arrived < sent)
    text += fmt::format("({} SYNs were lost on the way to synward: this machine carries no more.)\n",
                        grouped(sent - arrived));
  return text + (passed(last) ? "PASSED\n" : fmt::format("FAILED: {}\n", text_of(clients)));
}

int show(const Source& source) {
  const bool in_place = isatty(STDOUT_FILENO) == 1;
  Place place;
  if (!in_place) std::cout << column_names() << std::flush;
  const auto start = std::chrono::steady_clock::now();
  Moment before = source.now();
  std::uint64_t most_connections = 0;
  while (wait_a_period(source, most_connections)) {
    Moment now = source.now();
    now.second = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (in_place) {
      place.put(block_of(now, before));
    } else {
      std::cout << line_of(now, before) << std::flush;
    }
    before = std::move(now);
  }
  const Moment last = last_moment(source);
  std::cout << summary_of(last, most_connections) << std::flush;
  return passed(last) ? 0 : 1;
}

}  // namespace synward::load
