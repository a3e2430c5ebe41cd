// Mirrors dataplane/simd/find_between_lanes.hpp: what the kernels find of IP options and of chains of
// extension headers, many at a time, is what each header says, and what wire::walk_extension_headers() finds
// of it.
#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <sys/mman.h>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/burst.hpp"
#include "dataplane/simd/kernels.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/kernel_isas.hpp"

namespace synward::simd {
namespace {

using test::Bytes;

constexpr std::size_t kLink = 14;
constexpr std::size_t kLeast = kLink + sizeof(wire::Ipv6Header) + sizeof(wire::TcpHeader);

/// A frame whose slack ends where memory does: what is read behind that, kills the test.
class GuardedFrame {
 public:
  GuardedFrame() {
    void* const map = mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(map, MAP_FAILED);
    begin_ = static_cast<std::byte*>(map);
    EXPECT_EQ(mprotect(begin_ + kPage, kPage, PROT_NONE), 0);
  }
  GuardedFrame(const GuardedFrame&) = delete;
  GuardedFrame& operator=(const GuardedFrame&) = delete;
  ~GuardedFrame() { munmap(begin_, 2 * kPage); }
  std::byte* put(const Bytes& frame) {
    std::byte* const at = begin_ + kPage - kFrameSlack - frame.size();
    std::memcpy(at, frame.data(), frame.size());
    return at;
  }

 private:
  static constexpr std::size_t kPage = 4096;
  std::byte* begin_;
};

class FindExtensions : public testing::TestWithParam<Isa> {
 protected:
  /// Fails at the first frame of which the kernel finds something else than the walk does.
  void expect_same(const std::vector<Bytes>& frames, LaneBits candidates = ~LaneBits{0}) {
    Lane<std::byte*> at;
    alignas(64) Lane<std::uint16_t> bytes{}, between;
    at.fill(no_frame);
    between.fill(0xffff);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      at[i] = guarded_[i].put(frames[i]);
      bytes[i] = static_cast<std::uint16_t>(frames[i].size());
    }
    if (frames.size() < kBurstMax) candidates &= (LaneBits{1} << frames.size()) - 1;
    const LaneBits found =
        kernels_of(GetParam())
            ->find_extensions({at.data(), bytes.data(), frames.size()}, kLink, candidates, between.data());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto packet = std::span{frames[i]}.subspan(std::min(kLink, frames[i].size()));
      const auto payload = wire::walk_extension_headers(packet);
      const bool is_wanted = (candidates >> i & 1) != 0 && payload.understood && !payload.fragment &&
                             payload.offset != sizeof(wire::Ipv6Header) &&
                             payload.next_header == wire::IpProtocol::kTcp;
      ASSERT_EQ((found >> i & 1) != 0, is_wanted)
          << "lane " << i << ": " << testing::PrintToString(frames[i]);
      ASSERT_EQ(between[i], is_wanted ? payload.offset - sizeof(wire::Ipv6Header) : 0xffff) << "lane " << i;
      found_ += is_wanted;
    }
  }
  std::size_t found_ = 0;

 private:
  std::array<GuardedFrame, kBurstMax> guarded_;
};

/// Kinds and lengths that are often those of extension headers, so that chains are long and end anywhere.
Bytes frame_at_random(std::mt19937& random) {
  const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  constexpr std::array<std::uint8_t, 12> kKinds{60, 60, 60, 60, 0, 43, 44, 51, 6, 6, 17, 59};
  const auto kind = [&] { return std::byte(below(16) == 0 ? below(256) : kKinds[below(kKinds.size())]); };
  Bytes frame(kLeast + below(160));
  const std::size_t payload = frame.size() - kLink - sizeof(wire::Ipv6Header);
  for (std::size_t i = kLink + sizeof(wire::Ipv6Header); i < frame.size(); ++i) {
    // Headers begin at multiples of 4: there are kinds, then lengths, then what is mostly zero.
    const std::size_t word = (i - kLink - sizeof(wire::Ipv6Header)) % 4;
    if (word == 0) frame[i] = kind();
    if (word == 1) frame[i] = std::byte(below(8) == 0 ? below(256) : below(3));
    if (word >= 2 && below(12) == 0) frame[i] = std::byte(below(256));
  }
  auto& ip = wire::overlay<wire::Ipv6Header>(frame.data() + kLink);
  ip.version_class_flow = wire::BigEndian32{0x6000'0000};
  // The frame may be longer than its packet; when it is shorter, the packet is none.
  const std::size_t claimed = below(4) == 0 ? below(2 * static_cast<std::uint32_t>(payload)) : payload;
  ip.payload_length = wire::BigEndian16{static_cast<std::uint16_t>(claimed)};
  ip.next_header = static_cast<std::uint8_t>(kind());
  return frame;
}

TEST_P(FindExtensions, OfChainsAtRandom) {
  std::mt19937 random{44};
  for (int round = 0; round < 2'000 && !HasFatalFailure(); ++round) {
    std::vector<Bytes> frames;
    for (std::size_t n = 1 + random() % kBurstMax; n != 0; --n) frames.push_back(frame_at_random(random));
    LaneBits candidates = random() % 2 == 0 ? ~LaneBits{0} : LaneBits{random()} << 32 | random();
    // What is no candidate may be anything, and as short as a frame may be.
    if (const std::size_t i = random() % kBurstMax; i < frames.size()) {
      frames[i].resize(random() % kLink);
      candidates &= ~(LaneBits{1} << i);
    }
    expect_same(frames, candidates);
  }
  EXPECT_GT(found_, 5'000u);
}

/// Eight are as many as may be, of every kind that may stand there.
TEST_P(FindExtensions, OfChainsOfEachLength) {
  using Protocol = wire::IpProtocol;
  for (const std::uint8_t kind :
       std::to_array<std::uint8_t>({Protocol::kDestinationOptions, Protocol::kIpv6Routing,
                                    Protocol::kIpv6Fragment, Protocol::kAuthentication})) {
    const bool is_longer = kind == Protocol::kAuthentication;  // of its least length it may not be
    std::vector<Bytes> frames;
    for (std::size_t headers = 0; headers <= wire::kMaxExtensionHeaders + 1u; ++headers) {
      const std::size_t each = is_longer ? 12 : 8;
      Bytes frame(kLeast + headers * each);
      auto& ip = wire::overlay<wire::Ipv6Header>(frame.data() + kLink);
      ip.version_class_flow = wire::BigEndian32{0x6000'0000};
      ip.payload_length =
          wire::BigEndian16{static_cast<std::uint16_t>(frame.size() - kLink - sizeof(wire::Ipv6Header))};
      ip.next_header = headers == 0 ? Protocol::kTcp : kind;
      for (std::size_t n = 0; n < headers; ++n) {
        std::byte* const at = frame.data() + kLink + sizeof ip + n * each;
        at[0] = std::byte{n + 1 == headers ? Protocol::kTcp : kind};
        at[1] = std::byte(is_longer ? 1 : 0);
      }
      frames.push_back(frame);
    }
    found_ = 0;
    expect_same(frames);
    EXPECT_EQ(found_, std::size_t{wire::kMaxExtensionHeaders}) << int{kind};
  }
}

/// Of every header length, more and less than the least, before TCP and before others.
class FindOptions : public testing::TestWithParam<Isa> {};

TEST_P(FindOptions, WhereAHeaderIsLongerThanTheLeast) {
  std::mt19937 random{45};
  std::size_t wanted_in_all = 0;
  for (int round = 0; round < 500; ++round) {
    const std::size_t size = 1 + random() % kBurstMax;
    std::vector<Bytes> frames(
        size, Bytes(kLink + sizeof(wire::Ipv4Header) + sizeof(wire::TcpHeader) + kFrameSlack));
    Lane<std::byte*> at;
    alignas(64) Lane<std::uint16_t> bytes{}, between;
    at.fill(no_frame);
    between.fill(0xffff);
    LaneBits candidates = LaneBits{random()} << 32 | random(), wanted = 0;
    if (size < kBurstMax) candidates &= (LaneBits{1} << size) - 1;
    for (std::size_t i = 0; i < size; ++i) {
      auto& ip = wire::overlay<wire::Ipv4Header>(frames[i].data() + kLink);
      ip.version_and_ihl = static_cast<std::uint8_t>(random());
      ip.protocol = random() % 4 == 0 ? static_cast<std::uint8_t>(random()) : wire::IpProtocol::kTcp;
      at[i] = frames[i].data();
      bytes[i] = static_cast<std::uint16_t>(frames[i].size() - kFrameSlack);
      if (ip.header_bytes() > sizeof ip && ip.protocol == wire::IpProtocol::kTcp) wanted |= LaneBits{1} << i;
    }
    wanted &= candidates;
    ASSERT_EQ(kernels_of(GetParam())
                  ->find_options({at.data(), bytes.data(), size}, kLink, candidates, between.data()),
              wanted);
    for (std::size_t i = 0; i < kBurstMax; ++i) {
      if ((wanted >> i & 1) != 0) {
        const auto& ip = wire::overlay<wire::Ipv4Header>(at[i] + kLink);
        ASSERT_EQ(between[i], ip.header_bytes() - sizeof ip) << "lane " << i;
        ++wanted_in_all;
      } else {
        ASSERT_EQ(between[i], 0xffff) << "lane " << i;
      }
    }
  }
  EXPECT_GT(wanted_in_all, 2'000u);
}

INSTANTIATE_TEST_SUITE_P(OfEachIsa, FindOptions, testing::ValuesIn(test::kernel_isas()),
                         [](const auto& with) { return std::string{name_of(with.param)}; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FindOptions);  // a CPU without any

INSTANTIATE_TEST_SUITE_P(OfEachIsa, FindExtensions, testing::ValuesIn(test::kernel_isas()),
                         [](const auto& with) { return std::string{name_of(with.param)}; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FindExtensions);  // a CPU without any

}  // namespace
}  // namespace synward::simd
