#include "bench/load/trial/dry_run.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "bench/load/trial/schedule.hpp"
#include "bench/load/trial/seeds.hpp"
#include "control/trace/pcapng.hpp"

namespace synward::load {
namespace {

constexpr std::size_t kClientFrames = 16;  // where there is an attack, too
constexpr wire::MacAddress kOurs{{0x02, 0, 0, 0, 0, 0x01}}, kTheirs{{0x02, 0, 0, 0, 0, 0x02}};
/// A trial's clock says when it runs; this one stands, so that one seed makes one file.
constexpr std::uint64_t kBeginUs = 1'000'000'000;

class Capture {
 public:
  explicit Capture(const std::string& path) : file_{path} {}
  void write(std::span<const std::byte> frame, std::uint64_t us, const std::string& comment) {
    file_.write({.port = "dry run",
                 .wall_ns = us * 1000,
                 .kept = frame,
                 .bytes = frame.size(),
                 .direction = control::Pcapng::Direction::kOutbound,
                 .comment = comment});
    ++frames_;
  }
  [[nodiscard]] std::size_t room() const { return kDryRunFrames - std::min(frames_, kDryRunFrames); }
  void flush() { file_.flush(); }

 private:
  control::Pcapng file_;
  std::size_t frames_ = 0;
};

/// Nobody answers, so nothing happens but SYNs.
class NoEvents : public ClientEvents {
 public:
  void sent_syn(std::size_t /*client*/, unsigned /*number*/, std::uint64_t /*now_us*/) override {}
  void connected(std::size_t /*client*/, std::uint64_t /*now_us*/) override {}
  void sent_ack(std::span<const std::byte> /*frame*/) override {}
  void first_byte(std::size_t /*client*/, std::uint64_t /*now_us*/) override {}
  void ended(std::size_t /*client*/, Outcome /*outcome*/, bool /*closed*/) override {}
};

/// The first SYN of client number `client`, as the trial sends it.
template <wire::Family kFamily>
void write_client(const TrialPlan& plan, const Link& link, std::size_t client, std::uint64_t at_us,
                  Capture& capture) {
  const std::size_t number = client % plan.targets.size();
  const Target& target = plan.targets[number];
  // All before it of its target are started, too, so that it gets its own address and port.
  std::vector<typename Clients<kFamily>::Start> schedule(client / plan.targets.size() + 1);
  for (auto& start : schedule) start.intended_us = kBeginUs + at_us;
  std::vector<std::byte> frame;
  NoEvents events;
  Clients<kFamily> clients{{.link = link,
                            .addresses = plan.client_sources_for(target.address()),
                            .service = std::get<wire::Address<kFamily>>(target.address()),
                            .port = target.port(),
                            .manners = plan.manners},
                           schedule,
                           secret_for(plan.seed, Draw::kClients, number),
                           [&](std::span<const std::byte> sent) { frame.assign(sent.begin(), sent.end()); },
                           events};
  clients.turn(kBeginUs + at_us);
  capture.write(frame, at_us, fmt::format("client {}: its SYN to {}", client + 1, target.text()));
}

void write_clients(const TrialPlan& plan, const Link& link, std::size_t most, Capture& capture) {
  const auto times = arrival_times(plan.arrivals, plan.client_rate, plan.timeline.total_us(),
                                   seed_for(plan.seed, Draw::kArrivals));
  for (std::size_t client = 0; client < std::min(most, times.size()); ++client) {
    const bool is4 = plan.targets[client % plan.targets.size()].address().index() == 0;
    const auto write = is4 ? write_client<wire::Family::kIpv4> : write_client<wire::Family::kIpv6>;
    write(plan, link, client, times[client], capture);
  }
}

void write_attack(const TrialPlan& plan, const Link& link, Capture& capture) {
  std::vector<AnyAttack> attacks;
  for (const Target& target : plan.targets) {
    const auto seed = seed_for(plan.seed, Draw::kAttack, attacks.size());
    attacks.push_back(make_attack(target, plan.attack_sources_for(target.address()), link, seed, plan.mix));
  }
  const double gap_us = 1e6 / plan.flood_rate;
  const std::size_t frames = capture.room();
  for (std::size_t n = 0; n < frames; ++n) {
    std::array<std::byte, kAttackRoom> room;
    const auto us =
        plan.timeline.begin_of(Phase::kAttack) + static_cast<std::uint64_t>(static_cast<double>(n) * gap_us);
    std::visit(
        [&](auto& attack) {
          const auto made = attack.next(room);
          capture.write(std::span{room}.first(made.bytes), us,
                        fmt::format("attack: {}", kAttackKindTable[std::size_t(made.kind)].label));
        },
        attacks[n % attacks.size()]);
  }
}

}  // namespace

std::size_t write_dry_run(const TrialPlan& plan, const std::string& path) {
  Capture capture{path};
  const Link link{kOurs, plan.mac.value_or(kTheirs)};
  const bool attacks = plan.flood_rate > 0 && plan.timeline.attack_us != 0;
  if (plan.client_rate > 0) write_clients(plan, link, attacks ? kClientFrames : kDryRunFrames, capture);
  if (attacks) write_attack(plan, link, capture);
  capture.flush();
  return kDryRunFrames - capture.room();
}

}  // namespace synward::load
