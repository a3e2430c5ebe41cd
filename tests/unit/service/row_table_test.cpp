// Mirrors dataplane/service/row_table.hpp.
#include "dataplane/service/row_table.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <random>
#include <set>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

namespace synward::service {
namespace {

using wire::Family;
using wire::Port;

template <typename FamilyConstant>
class RowTableOf : public testing::Test {
 protected:
  static constexpr Family kFamily = FamilyConstant::value;
  using Table = RowTable<kFamily>;
  using Key = ServiceKey<kFamily>;
  using Entries = std::vector<typename Table::Entry>;

  /// As operators have them: a few ports, many addresses of one network.
  Key some_key() {
    wire::Address<kFamily> address{};
    address.bytes[0] = 0x20;
    *(address.bytes.end() - 2) = static_cast<std::uint8_t>(random_());
    *(address.bytes.end() - 1) = static_cast<std::uint8_t>(random_());
    return {address, Port{static_cast<std::uint16_t>(440 + random_() % 16)}};
  }
  /// Of different keys; the services are 0, 1, ...
  Entries some_entries(std::size_t count) {
    std::set<Key> seen;
    Entries entries;
    while (entries.size() < count) {
      const Key key = some_key();
      if (seen.insert(key).second) entries.push_back({key, static_cast<ServiceId>(entries.size())});
    }
    return entries;
  }

 private:
  std::mt19937 random_{7};
};

using Families = testing::Types<std::integral_constant<Family, Family::kIpv4>,
                                std::integral_constant<Family, Family::kIpv6>>;
TYPED_TEST_SUITE(RowTableOf, Families);

/// As many as there can be, and as many as fill a power of two by two thirds: then places are scarce.
TYPED_TEST(RowTableOf, FindsEachOfAnyNumberOfKeys) {
  std::vector<std::size_t> counts{170, 171, 682, 683, 10'922, 10'923, 43'690, kNoService};
  for (std::size_t count = 0; count <= 40; ++count) counts.push_back(count);
  for (const std::size_t count : counts) {
    const auto entries = this->some_entries(count);
    const typename TestFixture::Table table{entries};
    for (const auto& entry : entries) ASSERT_EQ(table.find(entry.key), entry.service) << "of " << count;
  }
}

TYPED_TEST(RowTableOf, FindsNoKeyThatDiffersInABit) {
  const auto entries = this->some_entries(300);
  const typename TestFixture::Table table{entries};
  std::set<typename TestFixture::Key> keys;
  for (const auto& entry : entries) keys.insert(entry.key);
  std::size_t others = 0;
  for (const auto& entry : entries) {
    for (std::size_t word = 0; word < entry.key.words.size(); ++word) {
      for (std::size_t bit = 0; bit < TestFixture::Key::kServiceBit; ++bit) {
        auto key = entry.key;
        key.words[word] ^= std::uint64_t{1} << bit;
        if (keys.contains(key)) continue;
        EXPECT_EQ(table.find(key), kNoService);
        ++others;
      }
    }
  }
  EXPECT_GT(others, entries.size() * 40);
}

/// As numbered addresses in numbered networks do. A hash must see every bit of a key.
TYPED_TEST(RowTableOf, FindsEachOfKeysThatDifferInTwoPlacesOnly) {
  using Address = wire::Address<TestFixture::kFamily>;
  constexpr std::size_t kPlaces = (sizeof(Address) + sizeof(Port)) / 2;
  for (std::size_t places = 0; places < kPlaces * kPlaces; ++places) {
    const std::size_t one = places % kPlaces * 2, other = places / kPlaces * 2;
    typename TestFixture::Entries entries;
    for (unsigned n = 0; n < 5'000; ++n) {
      std::array<std::byte, 2 * kPlaces> bytes{};
      bytes[one] = std::byte(n & 0xff);
      bytes[other + 1] = std::byte(n >> 8);
      Address address;
      Port port;
      std::memcpy(&address, bytes.data(), sizeof address);
      std::memcpy(&port, bytes.data() + sizeof address, sizeof port);
      entries.push_back({{address, port}, static_cast<ServiceId>(n)});
    }
    const typename TestFixture::Table table{entries};
    for (const auto& entry : entries) ASSERT_EQ(table.find(entry.key), entry.service) << one << ", " << other;
  }
}

/// The key of a free row is that of no service.
TYPED_TEST(RowTableOf, FindsNothingWhereThereIsNothing) {
  const typename TestFixture::Table table{{}};
  EXPECT_EQ(table.find({{}, Port{0}}), kNoService);
  EXPECT_EQ(table.find(this->some_key()), kNoService);
}

TYPED_TEST(RowTableOf, KeepsTheFirstOfEqualKeys) {
  auto entries = this->some_entries(100);
  for (std::size_t i = 0; i < 100; ++i) entries.push_back({entries[i].key, static_cast<ServiceId>(1000 + i)});
  const typename TestFixture::Table table{entries};
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(table.find(entries[i].key), i);
}

}  // namespace
}  // namespace synward::service
