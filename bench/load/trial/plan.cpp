#include "bench/load/trial/plan.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/load/report.hpp"

namespace synward::load {
namespace {

constexpr double kMostClients = 20e6;  // each is remembered, in 32 bytes

SourcePrefix prefix_for(const std::vector<SourcePrefix>& given, const IpAddress& target,
                        SourcePrefix (*otherwise)(const IpAddress&)) {
  const auto at = std::ranges::find_if(
      given, [&](const SourcePrefix& p) { return p.address().index() == target.index(); });
  return at == given.end() ? otherwise(target) : *at;
}

bool overlap(const SourcePrefix& a, const SourcePrefix& b) {
  return contains(a.prefix(), b.address()) || contains(b.prefix(), a.address());
}

double seconds(std::uint64_t us) { return static_cast<double>(us) / 1e6; }

/// One SYN, one ACK, a request, a FIN, an ACK; a lost one again.
constexpr double kPacketsPerClient = 8;
constexpr double kLeastText = 1208;  // of a segment over IPv6, with timestamps

/// Each segment of an answer is acknowledged, and sent where a backend is ours.
double packets_per_client(const TrialPlan& plan) {
  const double segments = plan.manners.answer_bytes / kLeastText;
  return plan.backend.empty() ? kPacketsPerClient + segments : 2 * (kPacketsPerClient + segments);
}

double most_packets(const TrialPlan& plan) {
  return plan.flood_rate * seconds(plan.timeline.attack_us) +
         plan.client_rate * seconds(plan.timeline.total_us()) * packets_per_client(plan);
}

void check_addresses(const TrialPlan& plan) {
  for (const Target& target : plan.targets) {
    const auto attack = plan.attack_sources_for(target.address());
    const auto clients = plan.client_sources_for(target.address());
    if (plan.flood_rate > 0 && plan.client_rate > 0 && overlap(attack, clients))
      throw std::invalid_argument(
          fmt::format("the attack's sources {} and the clients' {} overlap: nobody could tell their answers "
                      "apart",
                      text_of(attack.prefix()), text_of(clients.prefix())));
    for (const auto& sources : {attack, clients}) {
      if (contains(sources.prefix(), target.address()))
        throw std::invalid_argument(
            fmt::format("the target {} lies among the sources {}: give other sources by --source-prefix and "
                        "--client-prefix",
                        target.text(), text_of(sources.prefix())));
    }
    if (plan.gateway && plan.gateway->index() != target.address().index())
      throw std::invalid_argument("the gateway is of another family than the target " + target.text());
  }
}

}  // namespace

SourcePrefix TrialPlan::attack_sources_for(const IpAddress& target) const {
  return prefix_for(attack_sources, target, SourcePrefix::default_for);
}

SourcePrefix TrialPlan::client_sources_for(const IpAddress& target) const {
  return prefix_for(client_sources, target, SourcePrefix::clients_for);
}

void check(const TrialPlan& plan) {
  if (plan.targets.empty()) throw std::invalid_argument("there is no --target");
  const bool attacks = plan.flood_rate > 0 && plan.timeline.attack_us != 0;
  if (!attacks && plan.client_rate <= 0)
    throw std::invalid_argument("neither a flood nor clients: there is nothing to do");
  if (attacks && plan.mix.has(AttackKind::kReplay) && plan.client_rate <= 0)
    throw std::invalid_argument("the attack replays ACKs of clients: it wants --clients");
  if (!plan.backend.empty() && plan.backend == plan.device)
    throw std::invalid_argument("--backend names the port of --device: it is the one behind the defence");
  check_addresses(plan);
  if (plan.client_rate * seconds(plan.timeline.total_us()) > kMostClients)
    throw std::invalid_argument("more than 20,000,000 clients in all: give a lower rate or a shorter time");
  if (most_packets(plan) > static_cast<double>(plan.max_packets))
    throw std::invalid_argument(fmt::format("this may send {} packets, more than the {} of --max-packets",
                                            grouped(static_cast<std::uint64_t>(most_packets(plan))),
                                            grouped(plan.max_packets)));
}

std::string text_of(const TrialPlan& plan) {
  std::vector<std::string> targets, clients, attack, kinds;
  for (const Target& target : plan.targets) {
    targets.push_back(target.text());
    clients.push_back(text_of(plan.client_sources_for(target.address()).prefix()));
    attack.push_back(text_of(plan.attack_sources_for(target.address()).prefix()));
  }
  for (auto* const texts : {&clients, &attack}) {
    std::ranges::sort(*texts);
    texts->erase(std::unique(texts->begin(), texts->end()), texts->end());
  }
  for (const auto& row : kAttackKindTable) {
    if (plan.mix.has(row.value))
      kinds.push_back(fmt::format("{}={}", row.label, plan.mix.weights[std::size_t(row.value)]));
  }
  std::string text = fmt::format("target    {}\nport      {}\n", fmt::join(targets, " "), plan.device);
  if (!plan.backend.empty())
    text += fmt::format("backend   {}: there the targets are played, with answers of {} bytes\n",
                        plan.backend, grouped(plan.backend_manners.answer.size()));
  text += fmt::format("phases    baseline {:g} s, attack {:g} s, recovery {:g} s\n",
                      seconds(plan.timeline.baseline_us), seconds(plan.timeline.attack_us),
                      seconds(plan.timeline.recovery_us));
  if (plan.client_rate > 0) {
    text += fmt::format(
        "clients   {:g}/s ({}) from {}; patience {:g} s; {}\n", plan.client_rate,
        plan.arrivals == Arrivals::kPoisson ? "Poisson" : "constant", fmt::join(clients, " "),
        seconds(plan.manners.patience_us),
        !plan.manners.asks ? "they connect and close"
        : plan.manners.request.empty()
            ? "they wait for what the server says first"
            : fmt::format("they send {} bytes and wait for the answer", plan.manners.request.size()));
  }
  if (plan.flood_rate > 0 && plan.timeline.attack_us != 0)
    text +=
        fmt::format("attack    {}/s of {} from {}\n", grouped(static_cast<std::uint64_t>(plan.flood_rate)),
                    fmt::join(kinds, ","), fmt::join(attack, " "));
  text += fmt::format("at most   {} packets; seed {}\n", grouped(plan.max_packets), plan.seed);
  return text;
}

}  // namespace synward::load
