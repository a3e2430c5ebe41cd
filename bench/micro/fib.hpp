// DPDK's tables of prefixes, asked only whether an address lies in any of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/prefix.hpp"

namespace synward::bench {

/// EAL without huge pages; rte_fib may use all registers that the CPU has. False: it did not start.
[[nodiscard]] bool start_dpdk();

/// rte_fib (DIR24_8, two bytes for each next hop) or rte_fib6 (TRIE, four): fewer could not name the tables
/// of so many prefixes.
template <wire::Family kFamily>
class Fib {
 public:
  static constexpr std::size_t kBulk = 64;
  /// As rte_fib takes it, host byte order; rte_fib6, as on the wire.
  using Key = std::conditional_t<kFamily == wire::Family::kIpv4, std::uint32_t, wire::Ipv6Address>;
  static Key key_of(const wire::Address<kFamily>& address);

  /// Throws std::runtime_error when DPDK has no memory for it.
  explicit Fib(const std::vector<wire::Prefix>& prefixes);
  /// How many of these are in a prefix; kBulk or fewer.
  std::size_t count_inside(std::span<Key> keys);

 private:
  struct Free {
    void operator()(void* fib) const;
  };
  std::unique_ptr<void, Free> fib_;
};

}  // namespace synward::bench
