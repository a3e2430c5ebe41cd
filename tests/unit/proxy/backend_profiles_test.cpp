// Mirrors dataplane/proxy/backend_profiles.hpp: the table, and who is up. What is promised:
// learned_promise_test.cpp and frozen_promise_test.cpp.
#include "dataplane/proxy/backend_profiles.hpp"

#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/proxy/profiles_fixture.hpp"

namespace synward::proxy {
namespace {

TEST(Capacity, IsAPowerOfTwo) {
  for (const std::size_t capacity : {0u, 1u, 3u, 4095u, 65536u})
    EXPECT_THROW((BackendProfiles{table::random_secret(1), capacity}), std::invalid_argument) << capacity;
  EXPECT_EQ(BackendProfiles(table::random_secret(1)).capacity(), 4096u);
}

class Full : public testing::TestWithParam<std::size_t> {};
TEST_P(Full, TableKeepsWhatItHasAndCountsTheRest) {
  BackendProfiles profiles{table::random_secret(2), GetParam()};
  const auto limit = static_cast<std::uint16_t>(GetParam() / 2);
  const wire::Ipv6Address address = test::ip6("2001:2::10");
  for (std::uint16_t n = 1; n <= limit; ++n)
    EXPECT_NE(profiles.learn<kIpv6>(address, wire::Port{n}, with_mss(n), {kNow}), kNone);
  const wire::Port late{static_cast<std::uint16_t>(limit + 1)};
  EXPECT_EQ(profiles.unplaced(), 0u);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(profiles.learn<kIpv6>(address, late, kLinux, {kNow}), kNone);
  EXPECT_EQ(profiles.unplaced(), 3u);
  EXPECT_EQ(profiles.find<kIpv6>(address, late), kNone);
  EXPECT_EQ(profiles.size(), limit);
  for (std::uint16_t n = 1; n <= limit; ++n) {
    const auto index = profiles.find<kIpv6>(address, wire::Port{n});
    ASSERT_EQ(profiles.promise(index, {kNow}), promise_of(profile_of(with_mss(n))));
    EXPECT_EQ(profiles.learn<kIpv6>(address, wire::Port{n}, with_mss(n), {kNow}), index);
  }
}
INSTANTIATE_TEST_SUITE_P(OfEntries, Full, testing::Values(2, 8, 4096, 32768));

TEST(BackendProfiles, TellAddressPortAndFamilyApart) {
  BackendProfiles profiles{table::random_secret(3), 64};
  const auto v4 = test::ip4("198.18.0.10");
  wire::Ipv6Address same_bytes{};
  std::copy(v4.bytes.begin(), v4.bytes.end(), same_bytes.bytes.begin());
  const auto first = profiles.learn<kIpv4>(v4, wire::Port{443}, with_mss(1), {kNow});
  const auto other = profiles.learn<kIpv6>(same_bytes, wire::Port{443}, with_mss(2), {kNow});
  EXPECT_NE(first, other);
  EXPECT_EQ(profiles.find<kIpv4>(v4, wire::Port{443}), first);
  EXPECT_EQ(profiles.find<kIpv6>(same_bytes, wire::Port{443}), other);
  EXPECT_EQ(profiles.find<kIpv4>(v4, wire::Port{444}), kNone);
  EXPECT_EQ(profiles.find<kIpv4>(test::ip4("198.18.0.11"), wire::Port{443}), kNone);
  same_bytes.bytes[15] = 1;
  EXPECT_EQ(profiles.find<kIpv6>(same_bytes, wire::Port{443}), kNone);
}

TEST(Down, LastsASecondOrUntilASynAckComes) {
  OneBackend backend;
  backend.learn(kLinux, kNow);
  auto& profiles = backend.profiles;
  EXPECT_FALSE(profiles.is_down(backend.index, 0));
  profiles.refused(backend.index, 5'000);
  EXPECT_TRUE(profiles.is_down(backend.index, 5'999));
  EXPECT_FALSE(profiles.is_down(backend.index, 6'000));
  profiles.silent(backend.index, 5'500);
  profiles.refused(backend.index, 5'400);  // another core's, a little late: takes nothing back
  EXPECT_TRUE(profiles.is_down(backend.index, 6'499));
  profiles.reached(backend.index);
  EXPECT_FALSE(profiles.is_down(backend.index, 5'500));
}

TEST(BackendProfiles, OfNoneKnowNothingAndLearnNothing) {
  BackendProfiles profiles{table::random_secret(4), 16};
  profiles.learn(kNone, kLinux, {kNow});
  profiles.refused(kNone, 5'000);
  profiles.silent(kNone, 5'000);
  profiles.reached(kNone);
  EXPECT_FALSE(profiles.is_down(kNone, 5'000));
  EXPECT_EQ(profiles.promise(kNone, {kNow}), std::nullopt);
  EXPECT_EQ(profiles.size(), 0u);
}

TEST(BackendProfiles, AreReadOneByOne) {
  OneBackend backend;
  backend.learn(kLinux, kNow);
  auto& profiles = backend.profiles;
  const auto second = profiles.learn<kIpv6>(test::ip6("2001:2::10"), wire::Port{80}, with_mss(0), {kNow});
  for (int n = 0; n < 3; ++n) profiles.reached(second);
  for (int n = 0; n < 2; ++n) profiles.refused(second, 5'000);
  profiles.silent(second, 5'000);
  int seen = 0;
  profiles.for_each({kNow}, 5'500, [&](const BackendReading& reading) {
    ++seen;
    const bool is_second = reading.port.host() == 80;
    EXPECT_EQ(reading.promise, is_second ? std::nullopt : std::optional{kLinuxPromise});
    EXPECT_EQ(reading.down, is_second);
    EXPECT_EQ(reading.handshakes, is_second ? 3u : 0u);
    EXPECT_EQ(reading.refusals, is_second ? 2u : 0u);
    EXPECT_EQ(reading.silences, is_second ? 1u : 0u);
    if (is_second) {
      EXPECT_EQ(std::get<wire::Ipv6Address>(reading.address), test::ip6("2001:2::10"));
    } else {
      EXPECT_EQ(std::get<wire::Ipv4Address>(reading.address), backend.address);
    }
  });
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace synward::proxy
