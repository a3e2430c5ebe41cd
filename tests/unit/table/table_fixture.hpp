// A table over exactly the memory it asks for, and flows to put into it.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include "dataplane/table/connection_table.hpp"

namespace synward::table {

inline HashSecret random_secret(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  HashSecret secret{};
  for (auto& row : secret.multipliers)
    for (auto& multiplier : row) multiplier = random();
  for (auto& addend : secret.addends) addend = random();
  secret.mixer = random();
  return secret;
}

/// Flow number `n`: all differ.
template <wire::Family kFamily>
FlowKey<kFamily> flow(std::uint64_t n) {
  FlowKey<kFamily> key{};
  std::memcpy(key.client.bytes.data(), &n, 4);
  key.service.bytes = {198, 18, 0, 10};
  key.client_port = wire::Port{static_cast<std::uint16_t>(1024 + (n >> 32))};
  key.service_port = wire::Port{443};
  return key;
}

/// Zeroed, aligned to 64, and not one byte longer than asked for.
class TableMemory {
 public:
  explicit TableMemory(std::size_t bytes)
      : bytes_{bytes}, memory_{static_cast<std::byte*>(::operator new (bytes, std::align_val_t{64}))} {
    std::memset(memory_, 0, bytes);
  }
  TableMemory(const TableMemory&) = delete;
  TableMemory& operator=(const TableMemory&) = delete;
  ~TableMemory() { ::operator delete (memory_, std::align_val_t{64}); }
  [[nodiscard]] std::span<std::byte> span() const { return {memory_, bytes_}; }

 private:
  std::size_t bytes_;
  std::byte* memory_;
};

inline constexpr Tick kStart{1'000'000};

template <wire::Family kFamily>
struct OwnedTable {
  explicit OwnedTable(std::size_t connections, std::uint64_t seed = 1)
      : memory{ConnectionTable<kFamily>::bytes_needed(connections)},
        table{memory.span(), connections, random_secret(seed), kStart} {}
  TableMemory memory;
  ConnectionTable<kFamily> table;
};

using Families = testing::Types<std::integral_constant<wire::Family, wire::Family::kIpv4>,
                                std::integral_constant<wire::Family, wire::Family::kIpv6>>;
struct FamilyNames {
  template <typename T>
  static std::string GetName(int) {
    return T::value == wire::Family::kIpv4 ? "Ipv4" : "Ipv6";
  }
};

}  // namespace synward::table
