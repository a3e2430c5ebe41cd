#include "control/port_watch.hpp"

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace synward::control {
namespace {

constexpr std::array<std::string_view, 5> kRssWords{"none", "spread", "programmed", "verified", "failed"};
constexpr std::array kFamilies{"ipv4", "ipv6"};  // in the order of wire::Family

std::string link_text(const nic::PortReading& reading) {
  if (!reading.link_up) return "link down";
  return reading.link_mbps == 0 ? "link up" : fmt::format("link up, {} Mb/s", reading.link_mbps);
}

std::uint64_t now_ms() {
  using std::chrono::milliseconds;
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(since).count());
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

PortWatch::PortWatch(const config::Config& config, const std::vector<std::unique_ptr<nic::Port>>& ports) {
  using State = nic::Port::RssState;
  const std::size_t workers = config.lcores.size();
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const nic::Port& port = *ports[p];
    const std::string& name = config.ports[p].name;
    const State state = port.rss_state();
    if (state == State::kProgrammed && port.receive_queues() == workers) {
      spdlog::info("port {}: its RSS puts flows into the queues of their owners", name);
    } else if (state == State::kProgrammed) {
      spdlog::warn(
          "port {}: its RSS spreads flows over {} queues; segments of other workers move to them over rings",
          name, port.receive_queues());
    } else if (state == State::kSpread) {
      spdlog::warn(
          "port {}: its RSS spreads flows in a way of its own, for {}; segments move to their owners over "
          "rings",
          name, port.why_no_rss());
    } else if (workers > 1) {
      spdlog::info("port {}: segments move to their owners over rings, in software: no RSS, for {}", name,
                   port.why_no_rss());
    }
    if (port.transmit_queues() < workers)
      spdlog::warn("port {}: {} workers take turns at {} transmit queue(s), for it has no more", name,
                   workers, port.transmit_queues());
    using Word = RssVerdict::Word;
    const RssVerdict rss{
        state == State::kProgrammed ? Word::kProgrammed
        : state == State::kSpread   ? Word::kSpread
                                    : Word::kNone,
        state == State::kProgrammed ? "nothing has come that would show it" : port.why_no_rss()};
    seen_.push_back({.name = name, .port = &port, .rss = {rss, rss}, .reading = port.read()});
    if (!seen_.back().reading.link_up) spdlog::info("port {}: link down, so far", name);
  }
  if (config.propagate_link) relay_.emplace(now_ms());
}

void PortWatch::relay_links() {
  using Action = LinkRelay::Action;
  const auto actions = relay_->decide({seen_[0].reading.link_up, seen_[1].reading.link_up}, now_ms());
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
  for (Seen& seen : seen_) {
    if (seen.port->is_gone())
      return fmt::format("port {}: its device is gone; start again once it is back", seen.name);
    const nic::PortReading now = seen.port->read();  // some drivers take their time
    const std::scoped_lock lock{mutex_};
    const nic::PortReading before = std::exchange(seen.reading, now);
    if (before.link_up != now.link_up)
      spdlog::log(now.link_up ? spdlog::level::info : spdlog::level::warn, "port {}: {}", seen.name,
                  link_text(now));
    if (seen.port->rss_check() != nullptr) look_at_rss(seen);
  }
  if (relay_) relay_links();
  return {};
}

nlohmann::json PortWatch::json() const {
  const std::scoped_lock lock{mutex_};
  auto ports = nlohmann::json::array();
  for (const Seen& seen : seen_) {
    nlohmann::json port{{"name", seen.name},
                        {"driver", seen.port->driver()},
                        {"mtu", seen.port->info().mtu},
                        {"receive_queues", seen.port->receive_queues()},
                        {"transmit_queues", seen.port->transmit_queues()},
                        {"link", seen.reading.link_up ? "up" : "down"},
                        {"link_mbps", seen.reading.link_mbps},
                        {"rss", nlohmann::json::object()},
                        {"rss_text", nlohmann::json::object()}};
    for (std::size_t family = 0; family < kFamilies.size(); ++family) {
      port["rss"][kFamilies[family]] = kRssWords[static_cast<std::size_t>(seen.rss[family].word())];
      port["rss_text"][kFamilies[family]] = seen.rss[family].text();
    }
    for (const Loss& loss : kLosses) port[loss.label] = seen.reading.*loss.count;
    ports.push_back(std::move(port));
  }
  return ports;
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
  }
  return text;
}

}  // namespace synward::control
