#include "dataplane/service/service_table.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "dataplane/wire/prefix.hpp"

namespace synward::service {
using wire::Family;

template <Family kFamily>
void ServiceTable::Neighborhoods<kFamily>::add(const wire::Address<kFamily>& address, unsigned prefix_bits) {
  if (prefix_bits < kPrefixBits) return words_.fill(~std::uint32_t{0});  // seldom, and never wrong
  const std::uint32_t bit = index_of(address);
  words_[bit / 32] |= std::uint32_t{1} << bit % 32;
}

namespace {

/// The services of one family that are served, to be found by prefix.
template <Family kFamily>
class Served {
 public:
  explicit Served(const std::vector<Service>& services) {
    for (const Service& service : services) {
      const auto* address = std::get_if<wire::Address<kFamily>>(&service.address);
      if (address != nullptr && service.standing == Standing::kServed)
        by_bits_[service.prefix_bits].emplace(*address, service.port.host());
    }
  }
  /// Whether one of a shorter prefix would have the SYNs of this one, which has `address`.
  [[nodiscard]] bool cover(const Service& other, const wire::Address<kFamily>& address) const {
    return std::ranges::any_of(by_bits_, [&](const auto& length) {
      const auto& [bits, services] = length;
      return bits < other.prefix_bits && services.contains({begin_of(address, bits), other.port.host()});
    });
  }

 private:
  static wire::Address<kFamily> begin_of(wire::Address<kFamily> address, std::uint8_t bits) {
    const auto mask = wire::prefix_mask<wire::Address<kFamily>>(bits);
    for (std::size_t n = 0; n < address.bytes.size(); ++n) address.bytes[n] &= mask.bytes[n];
    return address;
  }
  std::map<std::uint8_t, std::set<std::pair<wire::Address<kFamily>, std::uint16_t>>> by_bits_;
};

}  // namespace

/// A retired service gives way to a served one around it, or SYNs to its address would be nobody's for as
/// long as its last connection lives; that connection is found by its flow.
template <Family kFamily>
void ServiceTable::make_levels(std::vector<Level<kFamily>>& levels, Neighborhoods<kFamily>& near) const {
  using Key = ServiceKey<kFamily>;
  struct Entries {
    std::vector<typename RowTable<kFamily>::Entry> services, owned;
  };
  const Served<kFamily> served{services_};
  std::map<std::uint8_t, Entries, std::greater<>> by_bits;
  const auto mask_of = [](std::uint8_t bits) {
    return Key{wire::prefix_mask<wire::Address<kFamily>>(bits), wire::Port{0xffff}};
  };
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const Service& service = services_[i];
    const auto id = static_cast<ServiceId>(i);
    const auto* address = std::get_if<wire::Address<kFamily>>(&service.address);
    if (address == nullptr || service.standing == Standing::kGone) continue;
    if (service.standing == Standing::kRetired && served.cover(service, *address)) continue;
    near.add(*address, service.prefix_bits);
    const Key mask = mask_of(service.prefix_bits);
    Entries& entries = by_bits[service.prefix_bits];
    entries.services.push_back({Key{*address, service.port} & mask, id});
    entries.owned.push_back({Key{*address, kAnyPort} & mask, id});
  }
  for (auto& [bits, entries] : by_bits) {
    levels.push_back({mask_of(bits), RowTable<kFamily>{std::move(entries.services)},
                      RowTable<kFamily>{std::move(entries.owned)}});
  }
}

ServiceTable::ServiceTable(std::vector<Service> services)
    : services_(std::move(services)), has_retired_{std::ranges::any_of(services_, [](const Service& service) {
        return service.standing == Standing::kRetired;
      })} {
  make_levels<Family::kIpv4>(levels4_, near4_);
  make_levels<Family::kIpv6>(levels6_, near6_);
}

}  // namespace synward::service
