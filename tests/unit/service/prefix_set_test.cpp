// Mirrors dataplane/service/prefix_set.hpp and drop_list.hpp: held to a list that is walked from end to end.
#include "dataplane/service/prefix_set.hpp"

#include <algorithm>
#include <random>
#include <type_traits>

#include <gtest/gtest.h>

#include "dataplane/service/drop_list.hpp"
#include "tests/support/addresses.hpp"

namespace synward::service {
namespace {

using test::ip4;
using test::ip6;
using wire::Family;

template <typename FamilyConstant>
class PrefixSetOf : public testing::Test {
 protected:
  static constexpr Family kFamily = FamilyConstant::value;
  using Set = PrefixSet<kFamily>;
  using Address = wire::Address<kFamily>;
  using Prefix = typename Set::Prefix;
  static constexpr unsigned kBits = 8 * sizeof(Address);

  static bool bit(const Address& address, unsigned at) {
    return (address.bytes[at / 8] >> (7 - at % 8) & 1) != 0;
  }
  static void flip(Address& address, unsigned at) {
    address.bytes[at / 8] = static_cast<std::uint8_t>(address.bytes[at / 8] ^ 0x80u >> at % 8);
  }
  static Prefix prefix(Address address, unsigned bits) {
    for (unsigned at = bits; at < kBits; ++at) {
      if (bit(address, at)) flip(address, at);
    }
    return {address, static_cast<std::uint8_t>(bits)};
  }
  static bool covers(const Prefix& prefix, const Address& address) {
    for (unsigned at = 0; at < prefix.bits; ++at) {
      if (bit(prefix.address, at) != bit(address, at)) return false;
    }
    return true;
  }
  static bool any_covers(const std::vector<Prefix>& prefixes, const Address& address) {
    return std::ranges::any_of(prefixes, [&](const Prefix& p) { return covers(p, address); });
  }
  /// By the filter as well.
  static bool has(const Set& set, const Address& address) {
    const bool found = set.find(1, {&address}) != 0;
    EXPECT_TRUE(!found || set.may_have(address));
    return found;
  }
  Address any_address() {
    Address address;
    for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random_());
    return address;
  }
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  std::mt19937 random_{5};
};

using Families = testing::Types<std::integral_constant<Family, Family::kIpv4>,
                                std::integral_constant<Family, Family::kIpv6>>;
TYPED_TEST_SUITE(PrefixSetOf, Families);

TYPED_TEST(PrefixSetOf, OfNothingHasNothing) {
  const typename TestFixture::Set set{{}};
  EXPECT_TRUE(set.empty());
}

/// Of every length: the prefix has its first and last addresses, not the ones before and behind.
TYPED_TEST(PrefixSetOf, HasWhatItsOnlyPrefixCovers) {
  for (unsigned bits = 0; bits <= this->kBits; ++bits) {
    for (int turn = 0; turn < 3; ++turn) {
      const auto prefix = this->prefix(this->any_address(), bits);
      const typename TestFixture::Set set{{prefix}};
      ASSERT_FALSE(set.empty());
      auto last = prefix.address;
      for (unsigned at = bits; at < this->kBits; ++at) this->flip(last, at);
      EXPECT_TRUE(this->has(set, prefix.address)) << bits;
      EXPECT_TRUE(this->has(set, last)) << bits;
      for (unsigned at = 0; at < this->kBits; ++at) {
        auto near = at % 2 == 0 ? prefix.address : last;
        this->flip(near, at);
        ASSERT_EQ(this->has(set, near), at >= bits) << bits << " bits, another at " << at;
      }
    }
  }
}

/// Prefixes of all lengths, many of which begin like others, cover others or are others'.
TYPED_TEST(PrefixSetOf, OfManyPrefixesHasWhatAnyCovers) {
  for (const std::size_t count : {2u, 10u, 100u, 300u}) {
    for (int turn = 0; turn < 20; ++turn) {
      std::vector<typename TestFixture::Prefix> prefixes;
      while (prefixes.size() < count) {
        auto address = prefixes.empty() || this->below(4) == 0
                           ? this->any_address()
                           : prefixes[this->below(static_cast<unsigned>(prefixes.size()))].address;
        this->flip(address, this->below(this->kBits));
        const unsigned bits =
            turn % 2 == 0 ? 1 + this->below(this->kBits) : this->kBits - this->below(this->kBits / 2);
        prefixes.push_back(this->prefix(address, bits));
      }
      const typename TestFixture::Set set{prefixes};
      unsigned inside = 0;
      for (int n = 0; n < 2000; ++n) {
        auto address = this->any_address();
        if (n % 8 != 0) {  // near one of them
          const auto& near = prefixes[this->below(static_cast<unsigned>(count))];
          for (unsigned at = 0; at < near.bits; ++at) {
            if (this->bit(address, at) != this->bit(near.address, at)) this->flip(address, at);
          }
          if (n % 2 != 0) this->flip(address, this->below(this->kBits));
        }
        const bool wanted = this->any_covers(prefixes, address);
        inside += wanted ? 1u : 0u;
        ASSERT_EQ(this->has(set, address), wanted);
      }
      EXPECT_GT(inside, 500u);
    }
  }
}

/// All addresses of one /20 or /116 are listed singly; then every second one.
TYPED_TEST(PrefixSetOf, IsNotConfusedByNeighbours) {
  for (const unsigned step : {1u, 2u}) {
    const auto network = this->prefix(this->any_address(), this->kBits - 12);
    const auto nth = [&](unsigned n) {
      auto address = network.address;
      for (unsigned b = 0; b < 12; ++b) {
        if ((n >> b & 1) != 0) this->flip(address, this->kBits - 1 - b);
      }
      return address;
    };
    std::vector<typename TestFixture::Prefix> prefixes;
    for (unsigned n = 0; n < 4096; n += step) prefixes.push_back(this->prefix(nth(n), this->kBits));
    std::shuffle(prefixes.begin(), prefixes.end(), this->random_);
    const typename TestFixture::Set set{prefixes};
    for (unsigned n = 0; n < 4096; ++n) ASSERT_EQ(this->has(set, nth(n)), n % step == 0) << n;
    auto outside = network.address;
    this->flip(outside, this->kBits - 13);
    EXPECT_FALSE(this->has(set, outside));
  }
}

/// Of prefixes that touch every bit of the filter. (Over IPv6 that would be 2^31 steps, if none were saved:
/// the suite would run into its limit.)
TYPED_TEST(PrefixSetOf, OfShortPrefixesIsBuiltAtOnce) {
  std::vector<typename TestFixture::Prefix> prefixes;
  for (unsigned n = 0; n < 1u << 15; ++n) {
    typename TestFixture::Address address{};
    address.bytes[0] = static_cast<std::uint8_t>(n >> 7);
    address.bytes[1] = static_cast<std::uint8_t>(n << 1);
    prefixes.push_back({address, 16});
  }
  const typename TestFixture::Set set{prefixes};
  for (int n = 0; n < 1000; ++n) {
    const auto address = this->any_address();
    ASSERT_EQ(this->has(set, address), address.bytes[1] % 2 == 0);
  }
}

/// Those of a burst are found side by side, and who is not asked for is not looked at.
TYPED_TEST(PrefixSetOf, FindsManyAtOnce) {
  std::vector<typename TestFixture::Prefix> prefixes;
  prefixes.reserve(200);
  for (int n = 0; n < 200; ++n)
    prefixes.push_back(this->prefix(this->any_address(), 4 + this->below(this->kBits - 3)));
  const typename TestFixture::Set set{prefixes};
  for (int n = 0; n < 500; ++n) {
    const std::uint64_t candidates = (std::uint64_t{this->random_()} << 32 | this->random_()) &
                                     (n % 2 == 0 ? ~std::uint64_t{0} : this->random_());
    std::array<typename TestFixture::Address, TestFixture::Set::kMostAtOnce> addresses;
    std::array<const typename TestFixture::Address*, TestFixture::Set::kMostAtOnce> asked{};
    std::uint64_t wanted = 0;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      addresses[i] = this->any_address();
      if (this->below(2) == 0) addresses[i] = prefixes[this->below(200)].address;
      if ((candidates >> i & 1) == 0) continue;
      asked[i] = &addresses[i];
      wanted |= std::uint64_t{this->any_covers(prefixes, addresses[i])} << i;
    }
    ASSERT_EQ(set.find(candidates, asked), wanted);
  }
}

/// What a list of 10,000 networks takes of the caches.
TYPED_TEST(PrefixSetOf, OfTenThousandNetworksIsSmall) {
  std::vector<typename TestFixture::Prefix> prefixes;
  prefixes.reserve(10'000);
  for (int n = 0; n < 10'000; ++n)
    prefixes.push_back(this->prefix(this->any_address(), this->kBits == 32 ? 24 : 48));
  const typename TestFixture::Set set{prefixes};
  EXPECT_LT(set.bytes(), std::size_t{this->kBits == 32 ? 400'000u : 700'000u});
  unsigned may = 0;
  for (int n = 0; n < 10'000; ++n) may += set.may_have(this->any_address()) ? 1u : 0u;
  EXPECT_LT(may, 200u) << "of 10,000 strangers the filter stops all but one in a hundred";
}

/// As bogon lists have them: they leave the filter to the others.
TYPED_TEST(PrefixSetOf, OfTheShortestPrefixesStopsStrangersAsWell) {
  typename TestFixture::Address low{}, high{};
  high.bytes[0] = 0xff;
  const typename TestFixture::Set set{{{low, 8}, {high, 12}, {this->prefix(this->any_address(), 28)}}};
  unsigned strangers = 0, may = 0;
  for (int n = 0; n < 10'000; ++n) {
    const auto address = this->any_address();
    if (this->has(set, address)) continue;
    ++strangers;
    may += set.may_have(address) ? 1u : 0u;
  }
  EXPECT_GT(strangers, 9'000u);
  EXPECT_LT(may, 10u);
}

TEST(DropList, KeepsTheFamiliesApart) {
  const DropList list{{{ip4("198.18.0.0"), 24}, {ip6("2001:2::"), 48}, {ip6("::"), 8}}};
  const auto has = []<typename Address>(const auto& sources, const Address& address) {
    return sources.find(1, {&address}) != 0;
  };
  const auto& sources4 = list.sources<Family::kIpv4>();
  const auto& sources6 = list.sources<Family::kIpv6>();
  EXPECT_TRUE(has(sources4, ip4("198.18.0.255")));
  EXPECT_FALSE(has(sources4, ip4("0.0.0.0")));
  EXPECT_TRUE(has(sources6, ip6("2001:2::1")));
  EXPECT_TRUE(has(sources6, ip6("::1")));
  EXPECT_FALSE(has(sources6, ip6("c612::")));
  EXPECT_TRUE(DropList{{}}.sources<Family::kIpv4>().empty());
}

}  // namespace
}  // namespace synward::service
