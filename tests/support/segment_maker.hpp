// Segments as clients of some connections send them, and nearly so: with cookies that are right, wrong, old
// or another's; of connections that are open, and of none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "dataplane/handshake/segment_builder.hpp"
#include "tests/support/syn_maker.hpp"

namespace synward::test {

/// By the decisions of `below(n)`, as SynMaker has them.
template <typename Below>
class SegmentMaker {
 public:
  explicit SegmentMaker(Below below) : below_{below}, odd_{below} {
    for (std::uint16_t n = 0; n < kFlows; ++n) {
      flows_.push_back({.is_ipv4 = n % 2 == 0,
                        .tags = below_(4) == 3 ? 1 + below_(2) : 0,
                        .stamped = below_(3) != 2,
                        .client_port = static_cast<std::uint16_t>(40'000 + n),
                        .isn = word()});
    }
  }
  /// One of each flow.
  [[nodiscard]] std::vector<Bytes> syns() {
    std::vector<Bytes> frames;
    for (const Flow& flow : flows_) {
      const wire::SynOptions options{
          .mss = 1460,
          .window_scale = 7,
          .sack_permitted = true,
          .timestamps = flow.stamped ? std::optional{wire::TcpTimestamps{kTsval, 0}} : std::nullopt};
      frames.push_back(frame(flow, wire::TcpFlags::kSyn).seq(flow.isn).ack(0).tcp_options(options).build());
    }
    return frames;
  }
  /// What these came to.
  void learn(const std::vector<Outcome>& outcomes) {
    for (std::size_t n = 0; n < outcomes.size(); ++n) {
      if (outcomes[n].verdict != Route::kSend) continue;
      flows_[n].is_ipv4 ? learn<wire::Family::kIpv4>(flows_[n], outcomes[n].frame)
                        : learn<wire::Family::kIpv6>(flows_[n], outcomes[n].frame);
    }
  }
  [[nodiscard]] Bytes segment() {
    Flow& flow = flows_[below_(kFlows)];
    using Flags = wire::TcpFlags;
    constexpr std::array<std::uint8_t, 10> kFlags{Flags::kAck,
                                                  Flags::kAck,
                                                  Flags::kAck,
                                                  Flags::kAck,
                                                  Flags::kAck | Flags::kPsh,
                                                  Flags::kAck | Flags::kPsh,
                                                  Flags::kAck | Flags::kEce | Flags::kUrg,
                                                  Flags::kAck | Flags::kFin,
                                                  Flags::kRst,
                                                  Flags::kRst | Flags::kAck};
    const auto flags = odd_.one_in(16) ? below_(256) : kFlags[below_(kFlags.size())];
    auto built = frame(flow, static_cast<std::uint8_t>(flags));
    built.seq(flow.isn + 1 + (odd_.one_in(4) ? flow.sent : 0) + almost_nothing(8))
        .ack(flow.service_isn + 1 + almost_nothing(3));
    if (flow.stamped != odd_.one_in(8)) {
      const wire::TcpTimestamps timestamps{kTsval + below_(1'000), flow.tsecr + almost_nothing(4)};
      odd_.one_in(3) ? built.tcp_options(among_others(timestamps)) : built.tcp_options(timestamps);
    } else if (odd_.one_in(3)) {
      built.tcp_options(odd_options());
    }
    if (odd_.one_in(4)) {
      const Bytes text(1 + below_(40), std::byte{0x61});
      if ((flags & Flags::kAck) != 0) flow.sent += static_cast<std::uint32_t>(text.size());
      built.payload(text);
    }
    if (odd_.one_in(6)) odd_.put_between(built, flow.is_ipv4);
    if (odd_.one_in(12)) odd_.make_odd(built);
    Bytes made = built.build();
    if (odd_.one_in(12)) odd_.spoil(made);
    return made;
  }
  /// What the backend of a flow may say when it has sent what syn_acks_to() makes.
  [[nodiscard]] Bytes answer() {
    Flow& flow = flows_[below_(kFlows)];
    using Flags = wire::TcpFlags;
    constexpr std::array<std::uint8_t, 8> kFlags{Flags::kAck,
                                                 Flags::kAck,
                                                 Flags::kAck | Flags::kPsh,
                                                 Flags::kAck | Flags::kEce,
                                                 Flags::kAck | Flags::kFin,
                                                 Flags::kAck | Flags::kSyn,
                                                 Flags::kRst,
                                                 Flags::kRst | Flags::kAck};
    const auto flags = odd_.one_in(16) ? below_(256) : kFlags[below_(kFlags.size())];
    FrameBuilder built;
    built.mac(kPeerMac, kOurMac);
    if (flow.is_ipv4) {
      built.ipv4(odd_.one_in(8) ? kClient4 : kService4, kClient4);
    } else {
      built.ipv6(odd_.one_in(8) ? kClient6 : kService6, kClient6);
    }
    for (std::uint32_t tag = 0; tag < flow.tags; ++tag) built.vlan(77);
    built
        .tcp(odd_.one_in(8) ? kUnheardPort : kServicePort, flow.client_port, static_cast<std::uint8_t>(flags))
        .seq(kBackendIsn + below_(100) + almost_nothing(4))
        .ack(flow.isn + 1 + below_(100) + almost_nothing(4))
        .window(static_cast<std::uint16_t>(below_(65'536)));
    const wire::TcpTimestamps timestamps{kBackendTsval + below_(1'000), kTsval};
    if (flow.stamped != odd_.one_in(8)) {
      odd_.one_in(3) ? built.tcp_options(among_others(timestamps)) : built.tcp_options(timestamps);
    } else if (odd_.one_in(3)) {
      built.tcp_options(odd_options());
    }
    if (odd_.one_in(2)) built.payload(Bytes(1 + below_(40), std::byte{0x62}));
    if (odd_.one_in(12)) odd_.make_odd(built);
    Bytes made = built.build();
    if (odd_.one_in(12)) odd_.spoil(made);
    return made;
  }
  static constexpr std::uint32_t kBackendIsn = 0x1000'0000, kBackendTsval = 5'000'000;

 private:
  static constexpr std::uint16_t kFlows = 24;
  static constexpr std::uint32_t kTsval = 0xffff'fe00;
  struct Flow {
    bool is_ipv4;
    std::uint32_t tags;
    bool stamped;
    std::uint16_t client_port;
    std::uint32_t isn, service_isn = 0, tsecr = 0, sent = 0;
  };
  std::uint32_t word() { return below_(65'536) << 16 | below_(65'536); }
  /// Zero, but one time in `n`.
  std::uint32_t almost_nothing(std::uint32_t n) {
    if (!odd_.one_in(n)) return 0;
    return odd_.one_in(2) ? below_(200) - 100 : 1u << below_(32);
  }
  FrameBuilder frame(const Flow& flow, std::uint8_t flags) {
    FrameBuilder built;
    if (flow.is_ipv4) {
      built.ipv4(kClient4, kService4);
    } else {
      built.ipv6(kClient6, kService6);
    }
    for (std::uint32_t tag = 0; tag < flow.tags; ++tag) built.vlan(77);
    return built.tcp(flow.client_port, kServicePort, flags);
  }
  /// Behind others, before others, or twice, of which the first count.
  Bytes among_others(wire::TcpTimestamps timestamps) {
    const auto stamps = [&timestamps](std::uint32_t later) {
      Bytes option = bytes_of({wire::TcpOptionKind::kTimestamps, 10});
      append(option, bytes_of(wire::BigEndian32{timestamps.tsval + later}));
      append(option, bytes_of(wire::BigEndian32{timestamps.tsecr + later}));
      return option;
    };
    constexpr int kNop = wire::TcpOptionKind::kNop, kSack = wire::TcpOptionKind::kSack;
    const std::array<Bytes, 4> before{bytes_of({kNop, kNop, kSack, 10, 0, 0, 0, 9, 0, 0, 0, 19, kNop, kNop}),
                                      bytes_of({kNop, kNop, kNop, kNop, kNop, kNop}), Bytes{}, Bytes{}};
    const std::array<Bytes, 4> after{Bytes{}, Bytes{}, bytes_of({kNop, kNop}), stamps(77)};
    const auto which = below_(4);
    Bytes options = before[which];
    append(options, stamps(0));
    append(options, after[which]);
    return options;
  }
  /// 12 bytes each, as many as NOP, NOP, timestamps.
  Bytes odd_options() {
    switch (below_(3)) {
      case 0:
        return bytes_of({1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 19});
      case 1:
        return bytes_of({8, 10, 0, 0, 0, 9, 0, 0, 0, 19, 1, 1});
      default:
        return bytes_of({1, 1, 8, 9, 0, 0, 0, 9, 0, 0, 0, 19});
    }
  }
  template <wire::Family kFamily>
  static void learn(Flow& flow, const Bytes& frame) {
    const auto answer = handshake::parse_frame<kFamily>(frame);
    if (!answer) return;
    flow.service_isn = answer->segment.seq.value();
    if (const auto& timestamps = answer->segment.options.timestamps) flow.tsecr = timestamps->tsval;
  }

  Below below_;
  SynMaker<Below> odd_;
  std::vector<Flow> flows_;
};

/// The backends' answers to the SYNs that a bump in the wire sent them.
inline std::vector<Bytes> syn_acks_to(const std::vector<PipelineLab::Sent>& sent) {
  using Maker = SegmentMaker<std::uint32_t (*)(std::uint32_t)>;  // any will do
  std::vector<Bytes> answers;
  const auto answer = [&answers]<wire::Family kFamily>(const Bytes& frame) {
    const auto asked = handshake::parse_frame<kFamily>(frame);
    if (!asked || asked->segment.flags != wire::TcpFlags::kSyn) return;
    FrameBuilder built;
    built.mac(kPeerMac, kOurMac);
    const std::size_t network = wire::parse_ethernet(frame)->network_offset;
    for (std::size_t at = sizeof(wire::EthernetHeader); at < network; at += sizeof(wire::VlanTag))
      built.vlan(77);
    if constexpr (kFamily == wire::Family::kIpv4) {
      built.ipv4(kService4, kClient4);
    } else {
      built.ipv6(kService6, kClient6);
    }
    wire::SynOptions options{.mss = 1460, .window_scale = 7, .sack_permitted = true};
    if (const auto& timestamps = asked->segment.options.timestamps)
      options.timestamps = wire::TcpTimestamps{Maker::kBackendTsval, timestamps->tsval};
    answers.push_back(built
                          .tcp(kServicePort, asked->path.tuple.remote_port.host(),
                               wire::TcpFlags::kSyn | wire::TcpFlags::kAck)
                          .seq(Maker::kBackendIsn)
                          .ack(asked->segment.seq.value() + 1)
                          .tcp_options(options)
                          .build());
  };
  for (const auto& frame : sent) {
    if (frame.port != PipelineLab::kInside) continue;
    answer.operator()<wire::Family::kIpv4>(frame.bytes);
    answer.operator()<wire::Family::kIpv6>(frame.bytes);
  }
  return answers;
}

}  // namespace synward::test
