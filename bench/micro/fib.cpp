#include "bench/micro/fib.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_memory.h>

#include "dataplane/wire/big_endian.hpp"

namespace synward::bench {
namespace {

using wire::Family;

constexpr std::uint64_t kOutside = 0, kInside = 1;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error{std::string{what} + ": DPDK has not the memory"};
}

/// Large pages where the kernel grants them, as for the tables of ours.
int ask_for_large_pages(const rte_memseg_list* list, void*) {
  madvise(list->base_va, list->len, MADV_HUGEPAGE);
  return 0;
}

template <Family kFamily>
void* make(int most_routes);

template <>
void* make<Family::kIpv4>(int most_routes) {
  rte_fib_conf conf{};
  conf.type = RTE_FIB_DIR24_8;
  conf.default_nh = kOutside;
  conf.max_routes = most_routes;
  conf.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_2B, .num_tbl8 = 0x7fff};
  return rte_fib_create("bench", SOCKET_ID_ANY, &conf);
}
template <>
void* make<Family::kIpv6>(int most_routes) {
  rte_fib6_conf conf{};
  conf.type = RTE_FIB6_TRIE;
  conf.default_nh = kOutside;
  conf.max_routes = most_routes;
  conf.trie = {.nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = 0xffff};
  return rte_fib6_create("bench", SOCKET_ID_ANY, &conf);
}

}  // namespace

bool start_dpdk() {
  std::array<const char*, 11> eal{"prefixes_bench",
                                  "--no-huge",
                                  "--no-shconf",
                                  "-m",
                                  "512",
                                  "--no-pci",
                                  "--no-telemetry",
                                  "-l",
                                  "0",
                                  "--log-level=error",
                                  "--force-max-simd-bitwidth=512"};
  if (rte_eal_init(static_cast<int>(eal.size()), const_cast<char**>(eal.data())) < 0) return false;
  return rte_memseg_list_walk(ask_for_large_pages, nullptr) == 0;
}

template <>
std::uint32_t Fib<Family::kIpv4>::key_of(const wire::Ipv4Address& address) {
  return std::bit_cast<wire::BigEndian32>(address).host();
}
template <>
wire::Ipv6Address Fib<Family::kIpv6>::key_of(const wire::Ipv6Address& address) {
  return address;
}

template <Family kFamily>
Fib<kFamily>::Fib(const std::vector<wire::Prefix>& prefixes)
    : fib_{make<kFamily>(static_cast<int>(2 * prefixes.size() + 2))} {
  check(fib_ != nullptr, "a table");
  for (const wire::Prefix& prefix : prefixes) {
    const auto& address = std::get<wire::Address<kFamily>>(prefix.address);
    int failed;
    if constexpr (kFamily == Family::kIpv4) {
      failed = rte_fib_add(static_cast<rte_fib*>(fib_.get()), key_of(address), prefix.bits, kInside);
    } else {
      failed = rte_fib6_add(static_cast<rte_fib6*>(fib_.get()), address.bytes.data(), prefix.bits, kInside);
    }
    check(failed == 0, "a prefix");
  }
}

template <Family kFamily>
std::size_t Fib<kFamily>::count_inside(std::span<Key> keys) {
  std::array<std::uint64_t, kBulk> next_hops;
  const auto count = static_cast<unsigned>(keys.size());
  if constexpr (kFamily == Family::kIpv4) {
    rte_fib_lookup_bulk(static_cast<rte_fib*>(fib_.get()), keys.data(), next_hops.data(),
                        static_cast<int>(count));
  } else {
    rte_fib6_lookup_bulk(static_cast<rte_fib6*>(fib_.get()),
                         reinterpret_cast<std::uint8_t(*)[16]>(keys.data()), next_hops.data(),
                         static_cast<int>(count));
  }
  std::uint64_t inside = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) inside += next_hops[i];
  return inside;
}

template <Family kFamily>
void Fib<kFamily>::Free::operator()(void* fib) const {
  if constexpr (kFamily == Family::kIpv4) {
    rte_fib_free(static_cast<rte_fib*>(fib));
  } else {
    rte_fib6_free(static_cast<rte_fib6*>(fib));
  }
}

template class Fib<Family::kIpv4>;
template class Fib<Family::kIpv6>;

}  // namespace synward::bench
