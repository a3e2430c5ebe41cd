// Ping, both families, any size, with what it carried.
#include <gtest/gtest.h>

#include "tests/support/expect_frame.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

class Ping : public testing::TestWithParam<std::size_t> {
 protected:
  /// The reply to `request`, made by hand from a request of the other direction: only type and checksum
  /// differ.
  static Bytes reply(const FrameBuilder& request_back, std::size_t message_at, std::uint8_t type,
                     Bytes covered) {
    Bytes frame = request_back.build();
    frame[message_at] = std::byte{type};
    frame[message_at + 2] = frame[message_at + 3] = std::byte{0};
    append(covered, std::span{frame}.subspan(message_at));
    const auto checksum = bytes_of(reference_checksum(covered));
    std::copy(checksum.begin(), checksum.end(), frame.begin() + static_cast<std::ptrdiff_t>(message_at) + 2);
    return frame;
  }
  [[nodiscard]] static Bytes data() {
    Bytes bytes(GetParam());
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
    return bytes;
  }
};

TEST_P(Ping, IsAnsweredOverIpv4) {
  const auto request =
      FrameBuilder{}.ipv4(kClient4, kService4).ttl(3).echo_request(77, 1).payload(data()).pad_to(60);
  const auto back =
      FrameBuilder{}.mac(kPeerMac, kOurMac).ipv4(kService4, kClient4).echo_request(77, 1).payload(data());
  const auto outcome = PipelineLab{}.run(request.build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, reply(back, 34, 0, {})));
}

TEST_P(Ping, IsAnsweredOverIpv6) {
  const auto request = FrameBuilder{}.ipv6(kClient6, kService6).echo_request(77, 1).payload(data());
  const auto back =
      FrameBuilder{}.mac(kPeerMac, kOurMac).ipv6(kService6, kClient6).echo_request(77, 1).payload(data());
  const auto outcome = PipelineLab{}.run(request.build());
  EXPECT_EQ(outcome.verdict, Route::kSend);
  EXPECT_TRUE(same_frame(outcome.frame, reply(back, 54, 129,
                                              pseudo_header(kService6, kClient6, wire::IpProtocol::kIcmpv6,
                                                            8 + data().size()))));
}

INSTANTIATE_TEST_SUITE_P(Rfc792, Ping, testing::Values(0, 1, 56, 1471, 8000),
                         [](const auto& test) { return "Of" + std::to_string(test.param) + "Bytes"; });

}  // namespace
}  // namespace synward::test
