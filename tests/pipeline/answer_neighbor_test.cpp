// ARP and neighbour discovery: who has our addresses?
#include <gtest/gtest.h>

#include "tests/support/expect_frame.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

TEST(AnswerNeighbor, TellsWhoHasAServiceAddress) {
  const auto reply = FrameBuilder{}
                         .arp({wire::kArpEthernet, wire::kArpIpv4, 6, 4, wire::kArpReply, kOurMac, kService4,
                               kPeerMac, kClient4})
                         .mac(kPeerMac, kOurMac);
  const auto outcome = PipelineLab{}.run(FrameBuilder{}.arp_request(kClient4, kService4).build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, reply.build()));
}

/// What RFC 4861 4.4 asks for, made by hand: type, code, checksum, flags, target, option.
Bytes advertisement(const wire::Ipv6Address& to, const wire::MacAddress& to_mac, std::uint8_t flags) {
  Bytes message = bytes_of({136, 0, 0, 0, flags, 0, 0, 0});
  append(message, bytes_of(kService6));
  append(message, bytes_of({2, 1}));
  append(message, bytes_of(kOurMac));
  Bytes covered = pseudo_header(kService6, to, wire::IpProtocol::kIcmpv6, message.size());
  append(covered, message);
  const auto checksum = bytes_of(reference_checksum(covered));
  std::copy(checksum.begin(), checksum.end(), message.begin() + 2);
  Bytes frame = FrameBuilder{}
                    .mac(to_mac, kOurMac)
                    .ipv6(kService6, to)
                    .ttl(255)
                    .protocol(wire::IpProtocol::kIcmpv6)
                    .claim_total_bytes(40 + message.size())
                    .build();
  append(frame, message);
  return frame;
}

TEST(AnswerNeighbor, AdvertisesAServiceAddress) {
  const auto outcome = PipelineLab{}.run(FrameBuilder{}.neighbor_solicitation(kClient6, kService6).build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, advertisement(kClient6, kPeerMac, 0x60)));
}

TEST(AnswerNeighbor, DefendsAServiceAddressAgainstDuplicates) {
  const auto outcome = PipelineLab{}.run(FrameBuilder{}.neighbor_solicitation(ip6("::"), kService6).build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, advertisement(ip6("ff02::1"), {{0x33, 0x33, 0, 0, 0, 1}}, 0x20)));
}

}  // namespace
}  // namespace synward::test
