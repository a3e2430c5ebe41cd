#include "control/port_watch.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/clocks.hpp"
#include "dataplane/nic/setup_error.hpp"

namespace synward::control {
namespace {

constexpr std::array<std::string_view, 5> kRssWords{"none", "spread", "programmed", "verified", "failed"};
constexpr std::array kFamilies{"ipv4", "ipv6"};  // in the order of wire::Family

std::string link_text(const nic::PortReading& reading) {
  if (!reading.link_up) return "link down";
  return reading.link_mbps == 0 ? "link up" : fmt::format("link up, {} Mb/s", reading.link_mbps);
}

struct Loss {
  const char* label;
  std::uint64_t nic::PortReading::*count;
  std::string_view help;
};
constexpr std::array kLosses{
    Loss{"rx_missed", &nic::PortReading::rx_missed,
         "no descriptor was free when they came: workers are too few or too slow, or are kept from their "
         "core"},
    Loss{"rx_no_packets", &nic::PortReading::rx_no_packets,
         "attempts of the driver to find a free packet failed: frames are lost once rx_missed grows, too"},
    Loss{"rx_errors", &nic::PortReading::rx_errors,
         "broken on the wire: cable, optics, or the other side's MTU"},
    Loss{"tx_errors", &nic::PortReading::tx_errors, "the NIC did not send them"},
};

}  // namespace

bool RssVerdict::judge(const nic::RssTally& tally) {
  constexpr int kGoodAfterFailure = 16;
  const bool good = 8 * tally.elsewhere < tally.segments;
  if (good && tally.only_one) return false;
  good_in_a_row_ = good ? good_in_a_row_ + 1 : 0;
  if (good && word_ == Word::kFailed && good_in_a_row_ < kGoodAfterFailure) return false;
  text_ = fmt::format("{} of {} segments came to the queues that it was told",
                      tally.segments - tally.elsewhere, tally.segments);
  if (tally.only_one) text_ += fmt::format(", all to queue {}", *tally.only_one);
  if (tally.other_hash != 0) text_ += fmt::format(", {} with another hash than by its key", tally.other_hash);
  const Word found = good ? when_good_ : Word::kFailed;
  return std::exchange(word_, found) != found;
}

PortWatch::PortWatch(const config::Config& config, const Ports& ports, std::function<void()> wait_for_turns)
    : workers_{config.lcores.size()}, wait_for_turns_{std::move(wait_for_turns)} {
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const RssVerdict none{RssVerdict::Word::kNone, ""};
    seen_.push_back({.name = config.ports[p].name,
                     .driver = ports[p]->driver(),
                     .port = ports[p].get(),
                     .receive_offloads = {},
                     .rss = {none, none},
                     .reading = {},
                     .lost = std::vector<Monotone>(kLosses.size()),
                     .xstats = {},
                     .resetting_since_ms = {}});
    begin(seen_.back());
  }
  if (config.propagate_link) relay_.emplace(mono_ms());
}

/// The port as it was opened, or reset.
void PortWatch::begin(Seen& seen) {
  using State = nic::Port::RssState;
  const nic::Port& port = *seen.port;
  const State state = port.rss_state();
  if (state == State::kProgrammed && port.receive_queues() == workers_) {
    spdlog::info("port {}: its RSS puts flows into the queues of their owners", seen.name);
  } else if (state == State::kProgrammed) {
    spdlog::warn(
        "port {}: its RSS spreads flows over {} queues; segments of other workers move to them over rings",
        seen.name, port.receive_queues());
  } else if (state == State::kSpread) {
    spdlog::warn(
        "port {}: its RSS spreads flows in a way of its own, for {}; segments move to their owners over "
        "rings",
        seen.name, port.why_no_rss());
  } else if (workers_ > 1) {
    spdlog::info("port {}: segments move to their owners over rings, in software: no RSS, for {}", seen.name,
                 port.why_no_rss());
  }
  if (port.transmit_queues() < workers_)
    spdlog::warn("port {}: {} workers take turns at {} transmit queue(s), for it has no more", seen.name,
                 workers_, port.transmit_queues());
  using Word = RssVerdict::Word;
  const RssVerdict rss{
      state == State::kProgrammed ? Word::kProgrammed
      : state == State::kSpread   ? Word::kSpread
                                  : Word::kNone,
      state == State::kProgrammed ? "nothing has come that would show it" : port.why_no_rss()};
  {
    const std::scoped_lock lock{mutex_};
    seen.rss = {rss, rss};
    seen.mtu = port.info().mtu;
    seen.receive_queues = port.receive_queues();
    seen.transmit_queues = port.transmit_queues();
    seen.receive_offloads = port.receive_offloads();
  }
  read(seen);
  if (!seen.reading.link_up) spdlog::info("port {}: link down, so far", seen.name);
}

void PortWatch::read(Seen& seen) {
  const nic::PortReading reading = seen.port->read();  // some drivers take their time
  const std::scoped_lock lock{mutex_};
  seen.reading = reading;
  for (std::size_t l = 0; l < kLosses.size(); ++l) seen.lost[l].update(seen.reading.*kLosses[l].count);
}

std::string PortWatch::ask_for_reset(std::size_t port) {
  if (port >= seen_.size()) return "there is no such port";
  if (auto why_not = seen_[port].port->why_no_reset(); !why_not.empty()) return why_not;
  const std::scoped_lock lock{mutex_};
  if (!seen_[port].resetting_since_ms) seen_[port].port->ask_for_reset();  // else that one is it
  return "";
}

/// Begins, or tries again.
std::optional<std::string> PortWatch::reset(std::size_t number) {
  constexpr std::uint64_t kPatienceMs = 30'000;  // a virtual function's physical one may take its time
  Seen& seen = seen_[number];
  const bool first = !seen.resetting_since_ms;
  if (first) {
    spdlog::warn("port {}: is reset; connections stay, what comes meanwhile is lost", seen.name);
    set_resetting(seen, mono_ms());
    seen.port->leave_alone();
    wait_for_turns_();
  }
  try {
    seen.port->reset();
  } catch (const nic::SetupError& error) {
    if (mono_ms() - *seen.resetting_since_ms > kPatienceMs) return error.what();
    if (first) spdlog::warn("{}; it is tried again, for {} s", error.what(), kPatienceMs / 1000);
    return {};
  }
  spdlog::info("port {}: works again, after {} ms", seen.name, mono_ms() - *seen.resetting_since_ms);
  begin(seen);
  set_resetting(seen, {});
  if (relay_ && relay_->begun_anew(number, mono_ms()) && !seen.port->set_link(false))
    spdlog::warn("port {}: its driver cannot take down the link again", seen.name);
  return {};
}

void PortWatch::set_resetting(Seen& seen, std::optional<std::uint64_t> since_ms) {
  const std::scoped_lock lock{mutex_};
  if (!since_ms) ++seen.resets;
  seen.resetting_since_ms = since_ms;
}

void PortWatch::relay_links() {
  using Action = LinkRelay::Action;
  const auto actions = relay_->decide({seen_[0].reading.link_up, seen_[1].reading.link_up}, mono_ms());
  for (std::size_t p = 0; p < actions.size(); ++p) {
    if (actions[p] == Action::kNone) continue;
    const bool up = actions[p] == Action::kLetUp;
    const std::string &name = seen_[p].name, &other = seen_[1 - p].name;
    if (!seen_[p].port->set_link(up)) {
      spdlog::warn("port {}: its driver cannot {} the link; links are not propagated from here on", name,
                   up ? "let up" : "take down");
      relay_.reset();
      return;
    }
    spdlog::warn("port {}: link {}, for that of {} is {}", name, up ? "let up" : "taken down", other,
                 up ? "up" : "down");
  }
}

void PortWatch::look_at_rss(Seen& seen) {
  nic::RssCheck& check = *seen.port->rss_check();
  check.sample();
  for (const auto family : {wire::Family::kIpv4, wire::Family::kIpv6}) {
    const auto tally = check.take(family);
    RssVerdict& rss = seen.rss[static_cast<std::size_t>(family)];
    if (!tally || !rss.judge(*tally)) continue;
    const char* over = family == wire::Family::kIpv4 ? "IPv4" : "IPv6";
    if (rss.word() != RssVerdict::Word::kFailed) {
      spdlog::info("port {}: RSS verified over {}: {}", seen.name, over, rss.text());
    } else {
      spdlog::warn("port {}: RSS fails over {}: {}; the others move to their owners over rings, in software",
                   seen.name, over, rss.text());
    }
  }
}

std::optional<std::string> PortWatch::look() {
  constexpr unsigned kLooksForXstats = 4;  // some drivers read hundreds, register by register
  const bool with_xstats = looks_++ % kLooksForXstats == 0;
  bool resetting = false;
  for (std::size_t p = 0; p < seen_.size(); ++p) {
    Seen& seen = seen_[p];
    if (seen.port->is_gone())
      return fmt::format("port {}: its device is gone; start again once it is back", seen.name);
    if (seen.port->wants_reset() || seen.resetting_since_ms) {
      if (auto trouble = reset(p)) return trouble;
    }
    if (seen.resetting_since_ms) {
      resetting = true;
      continue;
    }
    const bool was_up = seen.reading.link_up;
    read(seen);
    auto xstats = with_xstats ? seen.port->xstats() : Xstats{};
    const std::scoped_lock lock{mutex_};
    if (with_xstats) seen.xstats = std::move(xstats);
    if (was_up != seen.reading.link_up)
      spdlog::log(seen.reading.link_up ? spdlog::level::info : spdlog::level::warn, "port {}: {}", seen.name,
                  link_text(seen.reading));
    if (seen.port->rss_check() != nullptr) look_at_rss(seen);
  }
  if (relay_ && !resetting) relay_links();
  return {};
}

nlohmann::json PortWatch::json() const {
  const std::scoped_lock lock{mutex_};
  auto ports = nlohmann::json::array();
  for (const Seen& seen : seen_) {
    nlohmann::json port{{"name", seen.name},
                        {"driver", seen.driver},
                        {"mtu", seen.mtu},
                        {"receive_queues", seen.receive_queues},
                        {"transmit_queues", seen.transmit_queues},
                        {"receive_offloads", seen.receive_offloads},
                        {"resetting", seen.resetting_since_ms.has_value()},
                        {"link", seen.reading.link_up ? "up" : "down"},
                        {"link_mbps", seen.reading.link_mbps},
                        {"rss", nlohmann::json::object()},
                        {"rss_text", nlohmann::json::object()}};
    for (std::size_t family = 0; family < kFamilies.size(); ++family) {
      port["rss"][kFamilies[family]] = kRssWords[static_cast<std::size_t>(seen.rss[family].word())];
      port["rss_text"][kFamilies[family]] = seen.rss[family].text();
    }
    port["resets"] = seen.resets;
    for (std::size_t l = 0; l < kLosses.size(); ++l) port[kLosses[l].label] = seen.lost[l].value();
    port["xstats"] = nlohmann::json::object();
    for (const auto& [name, value] : seen.xstats) port["xstats"][name] = value;
    ports.push_back(std::move(port));
  }
  return ports;
}

std::vector<std::string> port_troubles(const nlohmann::json& ports) {
  std::vector<std::string> troubles;
  for (const auto& port : ports) {
    const std::string name = "port " + port.at("name").get<std::string>();
    if (port.at("resetting").get<bool>()) troubles.push_back(name + " is being reset");
    if (port.at("link") != "up") troubles.push_back(name + ": link down");
  }
  return troubles;
}

std::vector<std::pair<std::string_view, std::string_view>> port_losses() {
  std::vector<std::pair<std::string_view, std::string_view>> losses;
  losses.reserve(kLosses.size());
  for (const Loss& loss : kLosses) losses.emplace_back(loss.label, loss.help);
  return losses;
}

std::string_view xstat_help(std::string_view name) {
  struct Help {
    std::vector<std::string_view> parts;  // of the name: one of them
    std::string_view text;                // empty: no loss, or told elsewhere
  };
  // The first that fits. Names are the drivers' own, and alike (rte_eth_xstats_get(3)).
  static const std::vector<Help> kHelp{
      {{"_q0_", "_q1", "_q2", "_q3", "_q4", "_q5", "_q6", "_q7", "_q8", "_q9", "_queue_"}, ""},
      {{"rx_missed_errors", "rx_errors", "tx_errors", "rx_mbuf_allocation_errors"}, ""},
      {{"xon", "xoff", "pause", "flow_control"},
       "the other side asked to wait, or was asked: switch its flow control off"},
      {{"crc", "symbol", "illegal", "alignment", "sequence_err", "mac_local", "mac_remote", "phy_err"},
       "broken on the wire: cable, optics, or a dirty connector"},
      {{"oversize", "jabber", "too_long", "length_err", "mtu"},
       "longer than the port's MTU, or of a wrong length: give both sides the same mtu"},
      {{"undersize", "runt", "fragment", "collision", "defer", "carrier", "short_packet"},
       "a half-duplex or mismatched link: let both ends negotiate"},
      {{"out_of_buffer", "no_desc", "nobuf", "no_buf", "no_buffer", "missed", "overrun", "overflow"},
       "no descriptor was free when they came: see rx_missed"},
      {{"filter", "unicast_promisc", "multicast", "broadcast"}, ""},
      {{"checksum", "csum", "xsum"},
       "checksums that the NIC found wrong; synward drops them, and counts them"},
      {{"error", "err_", "drop", "discard", "fail", "bad"}, "lost by the NIC; its driver's guide says how"},
  };
  for (const Help& help : kHelp) {
    for (const auto part : help.parts) {
      if (name.find(part) != std::string_view::npos) return help.text;
    }
  }
  return "";
}

std::string ports_text(const nlohmann::json& ports) {
  std::string text = "\nPorts:\n";
  for (const auto& port : ports) {
    const auto mbps = port.at("link_mbps").get<std::uint32_t>();
    const auto rss = [&](const char* family) { return port.at("rss").at(family).get<std::string>(); };
    const std::string rss_words = rss("ipv4") == rss("ipv6")
                                      ? rss("ipv4")
                                      : fmt::format("{} over IPv4, {} over IPv6", rss("ipv4"), rss("ipv6"));
    text += fmt::format("{:<14}  {:<14}link {}{}, {} queue(s), RSS {}\n", port.at("name").get<std::string>(),
                        port.at("driver").get<std::string>(), port.at("link").get<std::string>(),
                        mbps == 0 ? "" : fmt::format(", {} Mb/s", mbps),
                        port.at("receive_queues").get<unsigned>(), rss_words);
    for (const Loss& loss : kLosses) {
      if (const std::uint64_t count = port.at(loss.label); count != 0)
        text += fmt::format("{:>14}  {:<14}{}\n", count, loss.label, loss.help);
    }
    if (port.at("resetting")) text += "                is being reset: nothing comes or goes\n";
    if (const std::uint64_t resets = port.at("resets"); resets != 0)
      text += fmt::format("{:>14}  {:<14}{}\n", resets, "resets", "the device began anew; the log says when");
    for (const auto& [name, value] : port.at("xstats").items()) {
      const std::string_view help = xstat_help(name);
      if (const std::uint64_t count = value; count != 0 && !help.empty())
        text += fmt::format("{:>14}  {}: {}\n", count, name, help);
    }
  }
  return text;
}

}  // namespace synward::control
