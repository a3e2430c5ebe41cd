#include "bench/load/trial/generator.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bench/load/trial/neighbors.hpp"
#include "bench/load/trial/schedule.hpp"
#include "bench/load/trial/seeds.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::load {
namespace {

using wire::Family;
using Flags = wire::TcpFlags;

constexpr std::uint64_t kSecondUs = 1'000'000;
constexpr std::uint64_t kAheadUs = 10'000;  // the trial begins so much after it is ready

/// TCP of a frame, as far as the answers to an attack are looked at: nobody sums them.
template <Family kFamily>
struct Answer {
  wire::Address<kFamily> from, to;
  const wire::TcpHeader* tcp;
};

template <Family kFamily>
std::optional<Answer<kFamily>> answer_in(std::span<const std::byte> frame) {
  const auto link = wire::parse_ethernet(frame);
  if (!link) return std::nullopt;
  const auto packet = frame.subspan(link->network_offset);
  if constexpr (kFamily == Family::kIpv4) {
    if (link->ether_type != std::uint16_t(wire::EtherType::kIpv4)) return std::nullopt;
    const auto* ip = wire::parse_ipv4(packet);
    if (ip == nullptr || ip->protocol != wire::IpProtocol::kTcp || ip->is_fragment()) return std::nullopt;
    const auto* tcp = wire::parse_tcp(packet.first(ip->total_bytes()).subspan(ip->header_bytes()));
    if (tcp == nullptr) return std::nullopt;
    return Answer<kFamily>{ip->source, ip->destination, tcp};
  } else {
    if (link->ether_type != std::uint16_t(wire::EtherType::kIpv6)) return std::nullopt;
    const auto* ip = wire::parse_ipv6(packet);
    if (ip == nullptr || ip->next_header != wire::IpProtocol::kTcp) return std::nullopt;
    const auto* tcp = wire::parse_tcp(packet.first(ip->total_bytes()).subspan(sizeof *ip));
    if (tcp == nullptr) return std::nullopt;
    return Answer<kFamily>{ip->source, ip->destination, tcp};
  }
}

bool asks_for_syn_ack(AttackKind kind) { return kind == AttackKind::kSyn || kind == AttackKind::kOddSyn; }

}  // namespace

/// One target: its attack, its clients, and what they tell.
template <Family kFamily>
class Generator::Lane : public ClientEvents {
 public:
  Lane(Generator& generator, const Target& target, const Link& link, std::size_t number,
       std::vector<typename Clients<kFamily>::Start> schedule)
      : generator_{generator},
        target_{std::get<wire::Address<kFamily>>(target.address())},
        port_{target.port()},
        replays_{generator.plan_.mix.has(AttackKind::kReplay)},
        attack_{target, generator.plan_.attack_sources_for(target.address()), link,
                seed_for(generator.plan_.seed, Draw::kAttack, number), generator.plan_.mix},
        schedule_{std::move(schedule)},
        clients_{{.link = link,
                  .addresses = generator.plan_.client_sources_for(target.address()),
                  .service = target_,
                  .port = port_,
                  .manners = generator.plan_.manners},
                 schedule_,
                 secret_for(generator.plan_.seed, Draw::kClients, number),
                 [this](std::span<const std::byte> frame) { generator_.wire_.send(frame); },
                 *this},
        backend_{target_, port_, generator.plan_.backend_manners,
                 secret_for(generator.plan_.seed, Draw::kBackend, number),
                 [this](std::span<const std::byte> frame) { generator_.inner_->send(frame); }} {}

  AttackFrames<kFamily>& attack() { return attack_; }
  Clients<kFamily>& clients() { return clients_; }
  Backend<kFamily>& backend() { return backend_; }

  /// Whether it is for this one's attack, and then counted.
  bool count_answer(const Answer<kFamily>& answer) {
    if (answer.from != target_ || answer.tcp->src_port != port_ || !attack_.is_source(answer.to))
      return false;
    WireCounts& counts = generator_.counts_;
    const std::uint8_t flags = answer.tcp->flags;
    if ((flags & Flags::kRst) != 0) {
      ++counts.resets;
    } else if ((flags & (Flags::kSyn | Flags::kAck)) == (Flags::kSyn | Flags::kAck)) {
      const bool right = attack_.acknowledged(answer.to, answer.tcp->dst_port, wire::SeqNum{answer.tcp->ack});
      ++(right ? counts.syn_acks : counts.wrong_syn_acks);
    } else {
      ++counts.others;
    }
    return true;
  }

  void sent_syn(std::size_t client, unsigned number, std::uint64_t now_us) override {
    ClientRecord& record = record_of(client);
    record.syns = static_cast<std::uint8_t>(number);
    if (number != 1) return;
    record.late_us = since_intended(record, now_us);
    ++generator_.live_.started;
  }
  void connected(std::size_t client, std::uint64_t now_us) override {
    ClientRecord& record = record_of(client);
    record.syn_ack_us = since_intended(record, now_us);
    generator_.live_.syn_ack_us.push_back(record.syn_ack_us);
  }
  void sent_ack(std::span<const std::byte> frame) override {
    if (replays_) attack_.remember(frame);
  }
  void first_byte(std::size_t client, std::uint64_t now_us) override {
    ClientRecord& record = record_of(client);
    record.first_byte_us = since_intended(record, now_us);
  }
  void ended(std::size_t client, Outcome outcome, bool closed) override {
    ClientRecord& record = record_of(client);
    record.outcome = outcome;
    record.closed = closed;
    ++(outcome == Outcome::kSucceeded ? generator_.live_.succeeded : generator_.live_.failed);
  }

 private:
  ClientRecord& record_of(std::size_t client) { return generator_.record_.clients[client]; }
  [[nodiscard]] std::uint32_t since_intended(const ClientRecord& record, std::uint64_t now_us) const {
    return static_cast<std::uint32_t>(now_us - generator_.start_us_ - record.intended_us);
  }

  Generator& generator_;
  wire::Address<kFamily> target_;
  wire::Port port_;
  bool replays_;
  AttackFrames<kFamily> attack_;
  std::vector<typename Clients<kFamily>::Start> schedule_;
  Clients<kFamily> clients_;
  Backend<kFamily> backend_;
};

Generator::Generator(const TrialPlan& plan, const std::vector<wire::MacAddress>& macs, Wire& wire,
                     Wire* inner)
    : plan_{plan}, wire_{wire}, inner_{inner}, start_us_{now_us() + kAheadUs} {
  record_.timeline = plan.timeline;
  record_.asks = plan.manners.asks;
  const auto times = arrival_times(plan.arrivals, plan.client_rate, plan.timeline.total_us(),
                                   seed_for(plan.seed, Draw::kArrivals));
  record_.clients.resize(times.size());
  for (std::size_t client = 0; client < times.size(); ++client)
    record_.clients[client].intended_us = times[client];
  for (std::size_t number = 0; number < plan.targets.size(); ++number) {
    const auto add = [&]<Family kFamily>() {
      std::vector<typename Clients<kFamily>::Start> schedule;
      schedule.reserve(times.size() / plan.targets.size() + 1);
      for (std::size_t client = number; client < times.size(); client += plan.targets.size())
        schedule.push_back({start_us_ + times[client], client});
      lanes_.emplace_back(std::make_unique<Lane<kFamily>>(
          *this, plan.targets[number], Link{wire.mac(), macs[number]}, number, std::move(schedule)));
    };
    const bool is4 = plan.targets[number].address().index() == 0;
    is4 ? add.template operator()<Family::kIpv4>() : add.template operator()<Family::kIpv6>();
  }
  if (plan.flood_rate > 0)
    attack_pace_.emplace(plan.flood_rate, static_cast<double>(plan.timeline.attack_us) / 1e6,
                         start_us_ + plan.timeline.begin_of(Phase::kAttack));
}

Generator::~Generator() = default;

void Generator::run() {
  while (now_us() < start_us_) {
    wire_.receive([](std::span<const std::byte>) {});  // nothing of the trial's
    turn_backends(now_us());
  }
  before_ = wire_counts();
  sent_before_ = sent();
  record_.samples.push_back({});
  plan_next_mark(0);
  const std::uint64_t total_us = plan_.timeline.total_us();
  std::uint64_t since = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::uint64_t now = now_us();
    since = now - start_us_;
    wire_.receive([&](std::span<const std::byte> frame) { take(frame, now); });
    for (const AnyLane& lane : lanes_) std::visit([&](const auto& l) { l->clients().turn(now); }, lane);
    wire_.flush();
    turn_backends(now);
    if (since >= next_mark_us_) sample(since);
    if (since >= total_us && clients_are_done()) break;
    record_.capped = sent() - sent_before_ >= plan_.max_packets;
    if (record_.capped) break;
    send_attack(now);
  }
  record_.interrupted = stop_.load(std::memory_order_relaxed) && !(since >= total_us && clients_are_done());
  sample(now_us() - start_us_);
  over_.store(true, std::memory_order_release);
}

bool Generator::clients_are_done() const {
  return std::ranges::all_of(lanes_, [](const AnyLane& lane) {
    return std::visit([](const auto& l) { return l->clients().are_done(); }, lane);
  });
}

void Generator::send_attack(std::uint64_t now_us) {
  if (!attack_pace_ || now_us >= attack_pace_->end_us()) return;
  const auto due = static_cast<std::uint16_t>(
      std::min<std::uint64_t>(attack_pace_->due(now_us) - attack_made_, Wire::kBurst));
  if (due == 0) return;
  std::array<bool, Wire::kBurst> asks;
  std::uint16_t made = 0;
  const std::uint16_t sent = wire_.send_attack(due, [&](std::span<std::byte, kAttackRoom> room) {
    if (++turn_ == lanes_.size()) turn_ = 0;
    return std::visit(
        [&](const auto& lane) {
          const auto frame = lane->attack().next(room);
          asks[made++] = asks_for_syn_ack(frame.kind);
          return frame.bytes;
        },
        lanes_[turn_]);
  });
  attack_made_ += due;
  counts_.attack_sent += sent;
  counts_.syns_sent += static_cast<std::uint64_t>(std::count(asks.begin(), asks.begin() + sent, true));
}

void Generator::take(std::span<const std::byte> frame, std::uint64_t now_us) {
  if (take_segment<Family::kIpv4>(frame, now_us) || take_segment<Family::kIpv6>(frame, now_us)) return;
  answer_neighbor(frame);
}

/// Whether it is TCP of that family, for whomever.
template <Family kFamily>
bool Generator::take_segment(std::span<const std::byte> frame, std::uint64_t now_us) {
  const auto answer = answer_in<kFamily>(frame);
  if (!answer) return false;
  using Ours = std::unique_ptr<Lane<kFamily>>;
  for (const AnyLane& lane : lanes_) {
    const Ours* const ours = std::get_if<Ours>(&lane);
    if (ours == nullptr) continue;
    if ((*ours)->count_answer(*answer)) return true;
    const handshake::FourTuple<kFamily> tuple{answer->to, answer->from, answer->tcp->dst_port,
                                              answer->tcp->src_port};
    if (!(*ours)->clients().is_for(tuple)) continue;
    if (const auto received = handshake::parse_frame<kFamily>(frame)) {
      (*ours)->clients().receive(*received, now_us);
    } else {
      ++counts_.broken;
    }
    return true;
  }
  return true;
}

void Generator::answer_neighbor(std::span<const std::byte> frame) {
  const auto asked = asked_for(frame);
  if (!asked) return;
  const bool ours = std::ranges::any_of(plan_.targets, [&](const Target& target) {
    return contains(plan_.attack_sources_for(target.address()).prefix(), *asked) ||
           contains(plan_.client_sources_for(target.address()).prefix(), *asked);
  });
  std::array<std::byte, kMaxNeighborBytes> room;
  if (ours) wire_.send(answer_for(frame, wire_.mac(), room));
}

/// All that happens behind the defence.
void Generator::turn_backends(std::uint64_t now_us) {
  if (inner_ == nullptr) return;
  inner_->receive([&](std::span<const std::byte> frame) {
    if (take_at_backend<Family::kIpv4>(frame, now_us) || take_at_backend<Family::kIpv6>(frame, now_us))
      return;
    const auto asked = asked_for(frame);
    if (!asked || std::ranges::none_of(plan_.targets, [&](const Target& t) { return t.address() == *asked; }))
      return;
    std::array<std::byte, kMaxNeighborBytes> room;
    inner_->send(answer_for(frame, inner_->mac(), room));
  });
  for (const AnyLane& lane : lanes_) std::visit([&](const auto& l) { l->backend().turn(now_us); }, lane);
  inner_->flush();
}

/// Whether it is a segment for one of the targets.
template <Family kFamily>
bool Generator::take_at_backend(std::span<const std::byte> frame, std::uint64_t now_us) {
  const auto received = handshake::parse_frame<kFamily>(frame);
  if (!received) return false;
  for (const AnyLane& lane : lanes_) {
    const auto* const ours = std::get_if<std::unique_ptr<Lane<kFamily>>>(&lane);
    if (ours == nullptr || !(*ours)->backend().is_for(received->path.tuple)) continue;
    if ((*ours)->attack().is_source(received->path.tuple.remote)) ++counts_.leaked;
    (*ours)->backend().receive(*received, now_us);
    return true;
  }
  return false;
}

WireCounts Generator::wire_counts() const {
  WireCounts counts = counts_;
  for (const AnyLane& lane : lanes_)
    std::visit([&](const auto& l) { counts.answer_bytes += l->clients().answer_bytes(); }, lane);
  counts.sent = wire_.sent();
  counts.received = wire_.received();
  counts.refused = wire_.refused() + (inner_ == nullptr ? 0 : inner_->refused());
  return counts;
}

/// The next second, or the next phase's begin, or its end.
void Generator::plan_next_mark(std::uint64_t since_us) {
  next_mark_us_ = (since_us / kSecondUs + 1) * kSecondUs;
  for (const Phase phase : {Phase::kBaseline, Phase::kAttack, Phase::kRecovery}) {
    const std::uint64_t end = plan_.timeline.end_of(phase);
    if (since_us < end) next_mark_us_ = std::min(next_mark_us_, end);
  }
}

void Generator::sample(std::uint64_t since_us) {
  const Sample before = record_.samples.back();
  if (since_us <= before.at_us) return;
  Sample now{.at_us = since_us, .counts = wire_counts() - before_};
  // A sample may be late: what became due behind a phase's end is the next one's.
  if (attack_pace_)
    now.counts.attack_due = attack_pace_->due(start_us_ + std::min(since_us, next_mark_us_) - 1);
  record_.samples.push_back(now);
  plan_next_mark(since_us);

  live_.from_us = before.at_us;
  live_.to_us = since_us;
  if (before.at_us < plan_.timeline.total_us()) live_.phase = plan_.timeline.phase_at(before.at_us);
  live_.counts = now.counts - before.counts;
  const std::lock_guard lock{live_mutex_};
  finished_.push_back(std::exchange(live_, {}));
}

std::vector<LiveInterval> Generator::take_live() {
  const std::lock_guard lock{live_mutex_};
  return std::exchange(finished_, {});
}

}  // namespace synward::load
