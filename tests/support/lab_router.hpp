// A router on the path of a spliced connection: what it quotes in its ICMP errors, and to whom.
#pragma once

#include "tests/support/expect_frame.hpp"
#include "tests/support/lab_backend.hpp"

namespace synward::test {

inline const wire::Ipv4Address kRouter4 = ip4("198.19.9.9");
inline const wire::Ipv6Address kRouter6 = ip6("2001:2:0:9::9");

/// A connection through the wire, and routers on both sides of it.
template <typename Type>
class RouterTest : public ProxyTest<Type> {
 protected:
  static constexpr wire::Family kFamily = Type::kFamily;
  static constexpr bool kIs4 = kFamily == wire::Family::kIpv4;

  /// The first bytes of the packet in an untagged frame: its IP header, and `tcp_bytes` of what follows.
  static Bytes quote(const Bytes& frame, std::size_t tcp_bytes = 1000) {
    const std::size_t network = sizeof(wire::EthernetHeader);
    const std::span packet = std::span{frame}.subspan(network);
    const std::size_t header = kIs4 ? wire::parse_ipv4(packet)->header_bytes()
                                    : std::size_t{wire::walk_extension_headers(packet).offset};
    const auto first = packet.first(std::min(header + tcp_bytes, packet.size()));
    return {first.begin(), first.end()};
  }

  /// An error of the router's, without its quote, toward the service or the client.
  static FrameBuilder router(bool to_service) {
    FrameBuilder built;
    if constexpr (kIs4) {
      built.ipv4(kRouter4, to_service ? kService4 : kClient4);
    } else {
      built.ipv6(kRouter6, to_service ? kService6 : kClient6);
    }
    return built;
  }
  /// Fragmentation Needed, or Packet Too Big.
  static FrameBuilder too_big(bool to_service, const Bytes& quoted) {
    FrameBuilder built = router(to_service);
    kIs4 ? built.icmp_error(3, 4, 1300) : built.icmp_error(2, 0, 1300);
    return built.payload(quoted);
  }

  /// Whether the ICMP checksum of such a frame is right, summed up byte by byte.
  static bool icmp_is_intact(const Bytes& frame) {
    constexpr std::size_t kMessage = sizeof(wire::EthernetHeader) + (kIs4 ? 20 : 40);
    Bytes message(frame.begin() + kMessage, frame.end());
    const auto stored = wire::overlay<wire::IcmpHeader>(message.data()).checksum;
    message[2] = message[3] = std::byte{0};
    Bytes covered;
    if constexpr (!kIs4) {
      const auto& ip = wire::overlay<wire::Ipv6Header>(frame.data() + sizeof(wire::EthernetHeader));
      covered = pseudo_header(ip.source, ip.destination, wire::IpProtocol::kIcmpv6, message.size());
    }
    append(covered, message);
    return stored == reference_checksum(covered);
  }

  /// A segment on its way, as its sender sent it and as those behind synward see it.
  struct OnItsWay {
    Bytes sent, seen;
  };
  OnItsWay from_backend(const Bytes& frame) {
    const Outcome outcome = this->lab.run_inside(frame);
    EXPECT_EQ(outcome.verdict, Route::kForward);
    return {frame, outcome.frame};
  }
  OnItsWay from_client(const Bytes& frame) {
    const Outcome outcome = this->lab.run(frame);
    EXPECT_EQ(outcome.verdict, Route::kForward);
    return {frame, outcome.frame};
  }
  /// An error on its way to whoever sent the segment: a backend's comes from outside.
  Outcome run_error(bool to_service, const Bytes& error) {
    return to_service ? this->lab.run(error) : this->lab.run_inside(error);
  }
  /// What synward makes of an error is the error that would quote the segment as it was sent.
  void expect_translated(bool to_service, const OnItsWay& segment, std::size_t tcp_bytes = 1000) {
    const Bytes error = too_big(to_service, quote(segment.seen, tcp_bytes)).build();
    const Outcome outcome = run_error(to_service, error);
    EXPECT_EQ(outcome.verdict, Route::kForward) << kDropTable[std::size_t(outcome.reason)].label;
    EXPECT_TRUE(same_frame(outcome.frame, too_big(to_service, quote(segment.sent, tcp_bytes)).build()))
        << tcp_bytes;
  }
  void expect_dropped(bool to_service, const Bytes& quoted, Drop reason) {
    const Outcome outcome = run_error(to_service, too_big(to_service, quoted).build());
    EXPECT_EQ(outcome.verdict, Route::kDrop);
    EXPECT_EQ(outcome.reason, reason);
  }
  void expect_untouched(bool to_service, const Bytes& error) {
    const auto passed = this->counted(Event::kPassed);
    const Outcome outcome = run_error(to_service, error);
    EXPECT_EQ(outcome.verdict, Route::kForward) << kDropTable[std::size_t(outcome.reason)].label;
    EXPECT_TRUE(same_frame(outcome.frame, error));
    EXPECT_EQ(this->counted(Event::kPassed), passed + 1);
  }
};

}  // namespace synward::test
