// The backend behind an inline PipelineLab: it knows its numbers, and makes the segments it would send.
#pragma once

#include <optional>
#include <string_view>

#include "tests/support/lab_client.hpp"

namespace synward::test {

/// What Linux answers a SYN that offers all options.
inline constexpr wire::SynOptions kLinuxBackend{
    .mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = wire::TcpTimestamps{5'000'000, 0}};

/// The backend's end of the connection of one client.
template <wire::Family kFamily>
class LabBackend {
 public:
  using Flags = wire::TcpFlags;

  explicit LabBackend(const LabClient<kFamily>& client, const wire::SynOptions& options = kLinuxBackend)
      : key_{client.key()}, options_{options}, client_next{client.isn + 1} {}

  /// To the SYN of `syn_tsval`; its options are those that it has and the SYN offered.
  [[nodiscard]] Bytes syn_ack(const handshake::Segment& syn) {
    wire::SynOptions answer{.mss = options_.mss};
    if (syn.options.window_scale) answer.window_scale = options_.window_scale;
    answer.sack_permitted = syn.options.sack_permitted && options_.sack_permitted;
    if (syn.options.timestamps && options_.timestamps) {
      answer.timestamps = wire::TcpTimestamps{options_.timestamps->tsval, syn.options.timestamps->tsval};
      tsval = options_.timestamps->tsval;
      tsecr = syn.options.timestamps->tsval;
    }
    return frame(Flags::kSyn | Flags::kAck).seq(isn).ack(client_next).tcp_options(answer).build();
  }
  /// A segment at the present numbers, with timestamps when the SYN-ACK had them.
  [[nodiscard]] FrameBuilder segment(int flags = Flags::kAck) const {
    FrameBuilder built = frame(flags);
    built.seq(next).ack(client_next);
    if (tsval) built.tcp_options(wire::TcpTimestamps{*tsval, tsecr});
    return built;
  }
  /// Text at the present numbers, which move past it.
  Bytes text(std::string_view bytes, int flags = Flags::kAck | Flags::kPsh) {
    Bytes built = segment(flags).payload(bytes).build();
    next += static_cast<std::uint32_t>(bytes.size());
    return built;
  }
  Bytes fin() {
    Bytes built = segment(Flags::kAck | Flags::kFin).build();
    next += 1;
    return built;
  }
  [[nodiscard]] FrameBuilder frame(int flags) const {
    FrameBuilder built;
    built.mac(kPeerMac, kOurMac);
    if constexpr (kFamily == wire::Family::kIpv4) {
      built.ipv4(key_.service, key_.client);
    } else {
      built.ipv6(key_.service, key_.client);
    }
    return built.tcp(key_.service_port.host(), key_.client_port.host(), static_cast<std::uint8_t>(flags));
  }

 private:
  table::FlowKey<kFamily> key_;
  wire::SynOptions options_;

 public:
  std::uint32_t isn = 0x1000'0000;
  std::uint32_t next = isn + 1;        ///< SND.NXT
  std::uint32_t client_next;           ///< RCV.NXT
  std::optional<std::uint32_t> tsval;  ///< once agreed
  std::uint32_t tsecr = 0;
};

/// A laboratory in the wire, a client and its backend.
template <typename Type>
class ProxyTest : public testing::Test {
 protected:
  static constexpr wire::Family kFamily = Type::kFamily;
  using Client = LabClient<kFamily>;
  using Backend = LabBackend<kFamily>;

  explicit ProxyTest(const wire::SynOptions& asked = kLinuxOptions,
                     const wire::SynOptions& has = kLinuxBackend)
      : client{lab, 40000, asked}, backend{client, has} {}
  [[nodiscard]] std::uint64_t counted(Event event) const { return read(lab.core.counters)[event]; }

  /// The SYN that the backend got since the last look, twice and nothing else.
  handshake::Segment syn_to_backend() {
    const auto sent = lab.take_originated();
    EXPECT_EQ(sent.size(), 2u);
    if (sent.size() != 2) return {};
    EXPECT_EQ(sent[0].port, PipelineLab::kInside);
    EXPECT_EQ(sent[0].bytes, sent[1].bytes);
    return segment_in<kFamily>(sent[0].bytes);
  }
  /// The client's cookie comes back with its bare ACK; returns the SYN that the backend gets.
  handshake::Segment promote() {
    client.ask();
    EXPECT_EQ(lab.run(client.ack()).verdict, Route::kHold);
    return syn_to_backend();
  }
  /// The backend answers; returns what it gets: our ACK first, then what was held.
  std::vector<handshake::Segment> answer(const handshake::Segment& syn) {
    const Outcome outcome = lab.run_inside(backend.syn_ack(syn));
    EXPECT_EQ(outcome.verdict, Route::kSend);
    std::vector<handshake::Segment> got{segment_in<kFamily>(outcome.frame)};
    for (const auto& [port, bytes] : lab.take_released()) {
      EXPECT_EQ(port, PipelineLab::kInside);
      got.push_back(segment_in<kFamily>(bytes));
    }
    return got;
  }
  void open() { answer(promote()); }
  /// What goes on to the other side, intact.
  handshake::Segment forwarded(const Outcome& outcome) {
    EXPECT_EQ(outcome.verdict, Route::kForward) << kDropTable[std::size_t(outcome.reason)].label;
    return segment_in<kFamily>(outcome.frame);
  }
  handshake::Segment to_backend(const Bytes& frame) { return forwarded(lab.run(frame)); }
  handshake::Segment to_client(const Bytes& frame) { return forwarded(lab.run_inside(frame)); }

  PipelineLab lab{PipelineLab::Mode::kInline};
  Client client;
  Backend backend;
};

}  // namespace synward::test
