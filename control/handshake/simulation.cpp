#include "control/handshake/simulation.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "dataplane/handshake/isn.hpp"
#include "dataplane/handshake/segment_builder.hpp"

namespace synward::control {
namespace {

using handshake::FourTuple;
using handshake::IsnGenerator;
using handshake::Path;
using handshake::Segment;
using handshake::State;
using handshake::Tcb;
using wire::Family;
using Flags = wire::TcpFlags;

constexpr wire::MacAddress kClientMac{{0x02, 0, 0, 0, 0, 0x01}}, kServerMac{{0x02, 0, 0, 0, 0, 0x0a}};
constexpr wire::Port kClientPort{40000}, kServerPort{443};

// RFC 2544 and RFC 5180 set these networks apart for tests.
template <Family kFamily>
FourTuple<kFamily> client_tuple() {
  if constexpr (kFamily == Family::kIpv4) {
    return {{{198, 18, 0, 1}}, {{198, 18, 0, 10}}, kClientPort, kServerPort};
  } else {
    return {{{0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
            {{0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10}},
            kClientPort,
            kServerPort};
  }
}

IsnGenerator isn_generator(std::uint64_t seed, End end) {
  crypto::AesBlock secret{};
  std::memcpy(secret.bytes.data(), &seed, sizeof seed);
  secret.bytes[15] = std::byte{end};
  return IsnGenerator{crypto::best_aes(), secret};
}

bool is_of(SegmentKind kind, const Segment& segment) {
  constexpr std::uint8_t kFlags[] = {Flags::kSyn, Flags::kSyn | Flags::kAck, Flags::kAck};
  return segment.flags == kFlags[static_cast<std::size_t>(kind)] && segment.text_bytes == 0;
}

template <Family kFamily>
class Simulation {
 public:
  explicit Simulation(const Scenario& scenario)
      : scenario_{scenario},
        isns_{isn_generator(scenario.seed, kClient), isn_generator(scenario.seed, kServer)},
        losses_{scenario.losses},
        text_left_{scenario.text_bytes} {
    const auto tuple = client_tuple<kFamily>();
    paths_[kClient] = {kClientMac, kServerMac, tuple};
    paths_[kServer] = {kServerMac, kClientMac, tuple.from_the_other_end()};
  }

  Story run() {
    if (!scenario_.simultaneous) open_passive(tcbs_[kServer], scenario_.server);
    story_.at_first = states();
    open(kClient);
    if (scenario_.simultaneous) open(kServer);
    while (step()) {
    }
    story_.at_last = tcbs_;
    story_.end_us = now_us_;
    return std::move(story_);
  }

 private:
  static constexpr std::uint64_t kNever = handshake::RetransmissionTimer::kNever;

  [[nodiscard]] PerEnd<State> states() const { return {tcbs_[kClient].state, tcbs_[kServer].state}; }

  [[nodiscard]] handshake::InitialNumbers initial_numbers(End end) const {
    auto numbers = isns_[end].initial_numbers(paths_[end].tuple, now_us_);
    const auto& wanted = end == kClient ? scenario_.client_isn : scenario_.server_isn;
    if (wanted) numbers.iss = wire::SeqNum{*wanted};
    return numbers;
  }

  void open(End end) {
    const auto& options = end == kClient ? scenario_.client : scenario_.server;
    const Segment syn = open_active(tcbs_[end], options, initial_numbers(end), now_us_);
    send(end, syn, false);
  }

  /// The next thing that happens, at its time: an arrival, or else a timer. False when nothing will.
  bool step() {
    const bool under_way = next_arrival_ < story_.flights.size();
    const std::uint64_t arrival =
        under_way ? story_.flights[next_arrival_].sent_us + scenario_.latency_us : kNever;
    const End rings =
        tcbs_[kServer].timer.deadline_us() < tcbs_[kClient].timer.deadline_us() ? kServer : kClient;
    const std::uint64_t deadline = tcbs_[rings].timer.deadline_us();
    if (arrival == kNever && deadline == kNever) return false;
    if (arrival > deadline) {
      now_us_ = deadline;
      if (const auto segment = on_timer(tcbs_[rings], now_us_)) send(rings, *segment, true);
      return true;
    }
    now_us_ = arrival;
    arrive(next_arrival_++);
    return true;
  }

  void send(End from, const Segment& segment, bool again) {
    const std::vector<std::byte> text(segment.text_bytes, std::byte{'.'});
    Flight flight{
        .from = from,
        .again = again,
        .segment = segment,
        .iss = {tcbs_[kClient].iss(), tcbs_[kServer].iss()},
        .window_shift = segment.has(Flags::kSyn) ? std::uint8_t{0} : tcbs_[from].agreed.rcv_wind_shift,
        .sent_us = now_us_,
        .when_sent = states()};
    flight.frame.resize(handshake::kMaxHeaderBytes<kFamily> + text.size());
    flight.frame.resize(build_frame(paths_[from], segment, text, flight.frame).size());
    for (Loss& loss : losses_) {
      if (loss.count == 0 || !is_of(loss.kind, segment)) continue;
      --loss.count;
      flight.lost = true;
      break;
    }
    story_.flights.push_back(std::move(flight));
  }

  /// One latency for all: frames arrive in the order in which they were sent.
  void arrive(std::size_t index) {
    if (story_.flights[index].lost) return;
    const End to = other(story_.flights[index].from);
    const auto received = handshake::parse_frame<kFamily>(story_.flights[index].frame);
    if (tcbs_[to].state == State::kListen) tcbs_[to].initial = initial_numbers(to);
    const auto outcome = on_segment(tcbs_[to], received.value().segment, now_us_);
    Flight& flight = story_.flights[index];
    flight.arrived_us = now_us_;
    flight.when_arrived = states();
    flight.verdict = outcome.verdict;
    if (to == kServer) story_.text_received += outcome.text_bytes;
    if (outcome.reply) send(to, *outcome.reply, false);
    if (to == kClient) send_text_that_fits();
  }

  void send_text_that_fits() {
    const Tcb& client = tcbs_[kClient];
    const std::uint32_t options_bytes = client.agreed.ts_ok ? wire::kTimestampsBytes : 0;
    while (text_left_ != 0 && client.state == State::kEstablished) {
      const auto bytes =
          static_cast<std::uint16_t>(std::min(text_left_, client.agreed.send_mss - options_bytes));
      const auto segment = send_text(tcbs_[kClient], bytes, now_us_);
      if (!segment) return;  // the window is full: its next ACK calls again
      text_left_ -= bytes;
      send(kClient, *segment, false);
    }
  }

  const Scenario& scenario_;
  PerEnd<IsnGenerator> isns_;
  PerEnd<Path<kFamily>> paths_;
  PerEnd<Tcb> tcbs_{};
  std::vector<Loss> losses_;
  std::uint32_t text_left_;
  std::uint64_t now_us_ = 0;
  std::size_t next_arrival_ = 0;
  Story story_;
};

}  // namespace

Story simulate(const Scenario& scenario) {
  if (scenario.client.family == Family::kIpv4) {
    Story story = Simulation<Family::kIpv4>{scenario}.run();
    story.addresses = {"198.18.0.1:40000", "198.18.0.10:443"};
    return story;
  }
  Story story = Simulation<Family::kIpv6>{scenario}.run();
  story.addresses = {"[2001:2::1]:40000", "[2001:2::a]:443"};
  return story;
}

}  // namespace synward::control
