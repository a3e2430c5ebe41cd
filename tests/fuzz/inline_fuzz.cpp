// Bursts through a bump in the wire, from both sides. What pipeline_fuzz.cpp checks holds here too; beside
// it, segments are translated as the SYN-ACKs of both halves imply, corrupt ones stay corrupt, and in the end
// nothing is held, waits or is remembered.
//
// The input is a program, as there. It plays clients and backends that know their own numbers, routers that
// quote what they saw, and strangers who fill whatever can be full.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fuzz/backends.hpp"
#include "tests/fuzz/frames.hpp"
#include "tests/fuzz/samples.hpp"
#include "tests/fuzz/splice_oracle.hpp"

namespace synward::fuzz {
namespace {

using table::ConnectionPhase;
using test::Outcome;

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : input_{data, size} {
    if (input_.ConsumeBool()) lab_.core.profiles = &nothing_;
    lab_.core.trace = &tap();
  }
  void run() {
    for (int steps = 0; input_.remaining_bytes() > 0 && steps < 200; ++steps) step();
    end_burst();
    come_to_rest();
  }

 private:
  enum class Step {
    kEndBurst,
    kSyn,
    kText,
    kSegment,
    kSynAck,
    kOtherAnswer,
    kBackendText,
    kBackendSegment,
    kOpen,
    kAgree,
    kError,
    kStrangers,
    kOlderStrangers,
    kRaw,
    kTime,
    kMaxValue = kTime
  };

  void step() {
    const std::uint32_t c = clients_.pick();
    switch (input_.ConsumeEnum<Step>()) {
      case Step::kSyn:
        return add(PipelineLab::kOutside, clients_.syn(c));
      case Step::kText:
        return add(PipelineLab::kOutside, clients_.text(c));
      case Step::kSegment:
        return add(PipelineLab::kOutside, clients_.segment(c));
      case Step::kSynAck:
        return add(PipelineLab::kInside, backends_.syn_ack(c));
      case Step::kOtherAnswer:
        return add(PipelineLab::kInside, backends_.other_answer(c));
      case Step::kBackendText:
        return add(PipelineLab::kInside, backends_.text(c));
      case Step::kBackendSegment:
        return add(PipelineLab::kInside, backends_.segment(c));
      case Step::kOpen:
        return open(c);
      case Step::kAgree:
        return agree(c);
      case Step::kError:
        return is_ipv4(c) ? report<Family::kIpv4>(c) : report<Family::kIpv6>(c);
      case Step::kStrangers:
        if (crowds_++ >= kCrowdsMost) return;
        return input_.ConsumeBool() ? strangers<Family::kIpv4>() : strangers<Family::kIpv6>();
      case Step::kOlderStrangers:
        if (crowds_++ >= kCrowdsMost) return;
        return input_.ConsumeBool() ? older_strangers<Family::kIpv4>() : older_strangers<Family::kIpv6>();
      case Step::kRaw:
        return add(input_.ConsumeBool() ? PipelineLab::kOutside : PipelineLab::kInside, input_.some(256));
      case Step::kEndBurst:
        return void(end_burst());
      case Step::kTime:
        return let_time_pass();
    }
  }
  /// A handshake as it should be, unless the program spoils some of it, or the backend takes its time.
  void open(std::uint32_t c) {
    add(PipelineLab::kOutside, clients_.syn(c));
    end_burst();
    add(PipelineLab::kOutside, clients_.ack(c));
    for (auto n = input_.ConsumeIntegralInRange<int>(0, 3); n > 0; --n)
      add(PipelineLab::kOutside, clients_.text(c));
    if (input_.one_in(4)) return;
    add(PipelineLab::kInside, backends_.syn_ack(c));
    end_burst();
  }
  /// Both ends have a connection, of which synward need not know; or a synward before this one translated it.
  void agree(std::uint32_t c) {
    clients_[c].service_next = backends_[c].next + (input_.one_in(4) ? 1u << 30 : 0);
    backends_[c].client_next = clients_[c].next;
  }
  /// A router tells the sender of a segment that it could not go on, or somebody makes one up.
  template <Family kFamily>
  void report(std::uint32_t c) {
    const bool to_service = input_.ConsumeBool();
    auto [sent, seen] = oracle_.last(c, to_service);
    const bool made_up = seen.empty() || input_.one_in(8);
    if (made_up) sent = seen = to_service ? clients_.segment(c) : backends_.segment(c);
    const auto segment = locate(seen);
    if (!segment) return;
    const std::size_t network = wire::parse_ethernet(seen)->network_offset, header = segment->at - network;
    const auto bytes = input_.ConsumeIntegralInRange<std::size_t>(header, seen.size() - network);
    const Bytes quoted(seen.begin() + std::ptrdiff_t(network),
                       seen.begin() + std::ptrdiff_t(network + bytes));
    const std::uint8_t type = input_.ConsumeIntegralInRange<std::uint8_t>(0, 2);
    const Quote quote{c, kQuoteAt<kFamily> + header, bytes - header, tcp_at(sent, locate(sent)->at)};
    add(to_service ? PipelineLab::kInside : PipelineLab::kOutside,
        error_about<kFamily>(to_service, type, quoted), made_up ? std::nullopt : std::optional{quote});
  }
  std::uint16_t some_ports() {
    return static_cast<std::uint16_t>(50'000 + 40 * input_.ConsumeIntegralInRange<std::uint16_t>(0, 3));
  }
  /// Clients whose backends never answer.
  template <Family kFamily>
  void strangers() {
    end_burst();
    const std::uint16_t first = some_ports();
    port_ = PipelineLab::kOutside;
    for (std::uint16_t n = input_.ConsumeIntegralInRange<std::uint16_t>(1, 60); n > 0; --n)
      push(stranger<kFamily>(first + n, true, Flags::kSyn).seq(1).ack(0).build());
    const auto answers = end_burst();
    for (auto times = input_.ConsumeIntegralInRange<std::size_t>(1, 3); times > 0; --times) {
      for (const Outcome& answer : answers) {
        const auto syn_ack = handshake::parse_frame<kFamily>(answer.frame);
        if (answer.verdict != Route::kSend || !syn_ack) continue;
        const auto port = syn_ack->path.tuple.local_port.host();
        push(stranger<kFamily>(port, true, Flags::kAck).seq(2).ack(syn_ack->segment.seq.value() + 1).build());
      }
      end_burst();
    }
  }
  /// Connections that are older than synward.
  template <Family kFamily>
  void older_strangers() {
    const std::uint16_t first = some_ports(),
                        last = first + input_.ConsumeIntegralInRange<std::uint16_t>(0, 60);
    for (const bool to_service : {false, true}) {
      end_burst();
      port_ = to_service ? PipelineLab::kOutside : PipelineLab::kInside;
      for (std::uint16_t port = first; port <= last; ++port) {
        const std::uint32_t seq = to_service ? 1000 : 2000;
        push(stranger<kFamily>(port, to_service, Flags::kAck).seq(seq).ack(3000 - seq).build());
      }
    }
    end_burst();
  }

  void push(Bytes frame, std::optional<Quote> quote = std::nullopt) {
    frame.shrink_to_fit();  // ASan sees a byte too far
    burst_.push_back(std::move(frame));
    quotes_.push_back(quote);
    if (burst_.size() == kBurstMax) end_burst();
  }
  void add(std::uint16_t port, Bytes frame, std::optional<Quote> quote = std::nullopt) {
    if (port != port_) end_burst();
    port_ = port;
    if (input_.one_in(16)) input_.spoil(frame), quote.reset();
    push(std::move(frame), quote);
  }

  std::vector<Outcome> end_burst() {
    lab_.nic_verdict = input_.one_in(16) ? RxChecksum::kGood : RxChecksum::kUnknown;
    const std::vector<Bytes> sent = std::exchange(burst_, {});
    const auto quotes = std::exchange(quotes_, {});
    oracle_.before_burst();
    auto outcomes = lab_.run(sent, false, port_);
    expect_samples(sent);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      check_lane(sent[i], outcomes[i]);
      if (quotes[i] && outcomes[i].verdict == Route::kForward && oracle_.follows(quotes[i]->client))
        EXPECT_TRUE(quotes[i]->is_in(outcomes[i].frame));
    }
    for (const auto& [port, frame] : lab_.take_originated()) leave(port, frame);
    for (const auto& [port, frame] : lab_.take_released()) {
      EXPECT_EQ(port, PipelineLab::kInside);
      oracle_.check_released(frame);
      hear(frame);
    }
    settle();
    return outcomes;
  }
  void check_lane(const Bytes& sent, const Outcome& outcome) {
    oracle_.check_lane(sent, outcome);
    if (outcome.verdict == Route::kSend) {
      EXPECT_LE(outcome.frame.size(), std::max(sent.size() + kReplyGrowth, test::kShortestFrame));
      leave(port_, outcome.frame);
    }
    if (outcome.verdict != Route::kForward) return;
    // A NIC that calls corrupt segments good has them answered, and the answer is intact.
    const bool intact = is_intact_segment(sent);
    if (intact || lab_.nic_verdict == RxChecksum::kUnknown)
      EXPECT_EQ(is_intact_segment(outcome.frame), intact);
    EXPECT_EQ(icmp_is_intact(outcome.frame), icmp_is_intact(sent));
    hear(outcome.frame);
  }
  /// A frame of synward's own.
  void leave(std::uint16_t port, const Bytes& frame) {
    ASSERT_TRUE(is_intact_segment(frame)) << "synward sent a segment that is not intact";
    const auto segment = locate(frame);
    if (segment) EXPECT_EQ(port, segment->to_service ? PipelineLab::kInside : PipelineLab::kOutside);
    hear(frame);
    if (!segment || (tcp_at(frame, segment->at).flags & Flags::kSyn) == 0) return;
    segment->to_service ? oracle_.asked(segment->client, segment_of(frame))
                        : oracle_.minted(segment->client, segment_of(frame));
  }
  void hear(const Bytes& frame) {
    const auto segment = locate(frame);
    if (!segment || !is_intact_segment(frame)) return;
    segment->to_service ? backends_.hear(segment->client, segment_of(frame))
                        : clients_.hear(segment->client, segment_of(frame));
  }

  void let_time_pass() {
    end_burst();
    constexpr std::array<std::uint64_t, 6> kSteps{1, 300, 1'100, 8'000, 62'000, 110'000};
    pass(input_.PickValueInArray(kSteps), 1'000);
  }
  void pass(std::uint64_t ms, std::uint64_t step_ms) {
    for (const Bytes& frame : lab_.pass(ms, step_ms)) {
      EXPECT_TRUE(is_intact_segment(frame));
      hear(frame);
    }
    const auto counted = read(lab_.core.counters);
    EXPECT_EQ(counted[Gauge::kBackendHandshakes], lab_.core.pending.size());
    EXPECT_EQ(counted[Gauge::kHeldPackets], lab_.core.held.size());
    EXPECT_EQ(counted[Gauge::kConnections4], lab_.core.table<Family::kIpv4>().live());
    EXPECT_EQ(counted[Gauge::kConnections6], lab_.core.table<Family::kIpv6>().live());
    settle();
  }
  /// What waits has a handshake, and no more wait than may.
  void settle() {
    oracle_.settle();
    const std::size_t waiting = size(ConnectionPhase::kUnfinished), pending = lab_.core.pending.size();
    EXPECT_LE(pending, test::OwnedPlan::kBackendHandshakes);
    EXPECT_LE(lab_.core.held.size(), test::OwnedPlan::kHeldPackets);
    EXPECT_LE(waiting, pending);
    EXPECT_LE(pending - waiting, read(lab_.core.counters)[Event::kUnfinishedEvicted]);
  }
  [[nodiscard]] std::size_t size(ConnectionPhase phase) {
    return lab_.core.table<Family::kIpv4>().size(phase) + lab_.core.table<Family::kIpv6>().size(phase);
  }
  /// When nobody sends any more, nothing is held, waits or is remembered.
  void come_to_rest() {
    pass(12'000, 1'000);
    EXPECT_EQ(lab_.core.pending.size(), 0u);
    EXPECT_EQ(lab_.core.held.size(), 0u);
    pass(kIdleMs + 300'000, 20'000);
    EXPECT_EQ(lab_.core.table<Family::kIpv4>().size(), 0u);
    EXPECT_EQ(lab_.core.table<Family::kIpv6>().size(), 0u);
  }

  static constexpr std::uint32_t kIdleMs = 100'000;
  static constexpr int kCrowdsMost = 3;  ///< in one program: they take long
  static std::vector<service::Service> services() {
    auto made = PipelineLab::default_services();
    for (auto& service : made) service.idle_timeout_ms = kIdleMs;
    return made;
  }

  Input input_;
  Clients clients_{input_};
  Backends backends_{input_};
  PipelineLab lab_{services(), 1, 2, PipelineLab::Mode::kInline};
  proxy::BackendProfiles nothing_{table::HashSecret{}, 16};  ///< known yet, but for what the program teaches
  SpliceOracle oracle_{lab_};
  std::vector<Bytes> burst_;
  std::vector<std::optional<Quote>> quotes_;
  std::uint16_t port_ = PipelineLab::kOutside;
  int crowds_ = 0;
};

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  synward::fuzz::Program{data, size}.run();
  return 0;
}
