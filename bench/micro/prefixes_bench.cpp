// Whether addresses lie in any of so many prefixes, 64 at a time as drop_listed() asks, beside DPDK's
// rte_fib.
#include <algorithm>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <rte_eal.h>

#include "bench/micro/fib.hpp"
#include "bench/micro/networks.hpp"
#include "bench/micro/report.hpp"
#include "bench/micro/tsc.hpp"
#include "dataplane/service/drop_list.hpp"

namespace synward::bench {
namespace {

using wire::Family;

constexpr std::size_t kAddresses = 1u << 16, kPass = 1u << 12;

template <Family kFamily>
class Networks {
 public:
  using Address = wire::Address<kFamily>;

  explicit Networks(std::size_t count) {
    for (std::size_t n = 0; n < count; ++n) prefixes_.push_back(any_network<kFamily>(random_));
  }
  [[nodiscard]] const std::vector<wire::Prefix>& prefixes() const { return prefixes_; }
  /// In none of them, or each in one: `fib` has the same prefixes.
  [[nodiscard]] std::vector<Address> addresses(bool inside, Fib<kFamily>& fib) {
    std::vector<Address> made;
    while (made.size() < kAddresses) {
      auto address = any_address<kFamily>(random_);
      if (inside) {
        const wire::Prefix& prefix = prefixes_[random_() % prefixes_.size()];
        address = address_in(std::get<Address>(prefix.address), prefix.bits, address);
      }
      auto key = Fib<kFamily>::key_of(address);
      if ((fib.count_inside({&key, 1}) == 1) == inside) made.push_back(address);
    }
    return made;
  }

 private:
  std::mt19937 random_{17};
  std::vector<wire::Prefix> prefixes_;
};

/// As drop_listed() does it.
template <Family kFamily>
std::size_t count_inside(const service::PrefixSet<kFamily>& set,
                         std::span<const wire::Address<kFamily>> burst) {
  std::uint64_t suspects = 0;
  for (std::size_t i = 0; i < burst.size(); ++i) suspects |= std::uint64_t{set.may_have(burst[i])} << i;
  if (suspects == 0) return 0;
  std::array<const wire::Address<kFamily>*, service::PrefixSet<kFamily>::kMostAtOnce> addresses;
  for (std::size_t i = 0; i < burst.size(); ++i) addresses[i] = &burst[i];
  return static_cast<std::size_t>(std::popcount(set.find(suspects, addresses)));
}

/// Counts those inside among kPass addresses each time, burst by burst.
template <typename Key, typename CountInside>
void run_over(benchmark::State& state, std::vector<Key> keys, bool inside, CountInside&& count_inside) {
  std::size_t at = 0, counted = 0, asked = 0;
  sample(
      state, kPass, [&] { at = (at + kPass) % kAddresses; },
      [&] {
        for (std::size_t i = 0; i < kPass; i += Fib<Family::kIpv4>::kBulk)
          counted += count_inside(std::span{keys}.subspan(at + i, Fib<Family::kIpv4>::kBulk));
        asked += kPass;
      });
  if (counted != (inside ? asked : 0)) state.SkipWithError("a wrong answer");
}

template <Family kFamily>
void add_cells(const std::string& row, std::size_t networks, bool inside) {
  add(row + "/synward", [=](benchmark::State& state) {
    Networks<kFamily> made{networks};
    Fib<kFamily> fib{made.prefixes()};
    const service::DropList list{made.prefixes()};
    const auto& set = list.template sources<kFamily>();
    run_over(state, made.addresses(inside, fib), inside, [&](auto burst) {
      return count_inside<kFamily>(set, std::span<const wire::Address<kFamily>>{burst});
    });
    state.counters["KiB"] = static_cast<double>(set.bytes()) / 1024;
  });
  add(row + "/rte_fib", [=](benchmark::State& state) {
    Networks<kFamily> made{networks};
    Fib<kFamily> fib{made.prefixes()};
    std::vector<typename Fib<kFamily>::Key> keys;
    for (const auto& address : made.addresses(inside, fib)) keys.push_back(Fib<kFamily>::key_of(address));
    run_over(state, std::move(keys), inside, [&](auto burst) { return fib.count_inside(burst); });
  });
}

void add_all() {
  for (const auto& [name, networks] : {std::pair{"1 network", 1u}, {"10,000 networks", 10'000u}}) {
    for (const bool inside : {false, true}) {
      const std::string ending =
          std::string{", "} + name + (inside ? ", addresses in them" : ", addresses of others");
      add_cells<Family::kIpv4>("IPv4" + ending, networks, inside);
      add_cells<Family::kIpv6>("IPv6" + ending, networks, inside);
    }
  }
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  using namespace synward::bench;
  if (!start_dpdk()) return 1;
  add_all();
  const int status = run(argc, argv, Order::kOneByOne);
  rte_eal_cleanup();
  return status;
}
