#include "dataplane/service/service_table.hpp"

#include <algorithm>
#include <bit>

namespace synward::service {
namespace {

using wire::Family;

/// An address whose first `bits` are ones, the rest zeros.
template <typename Address>
Address mask_of(std::uint8_t bits) {
  Address mask{};
  for (std::size_t i = 0; i < mask.bytes.size(); ++i) {
    const int ones = std::clamp(static_cast<int>(bits) - static_cast<int>(8 * i), 0, 8);
    mask.bytes[i] = static_cast<std::uint8_t>(0xff00u >> ones);
  }
  return mask;
}

}  // namespace

template <Family kFamily>
void ServiceTable::Neighborhoods<kFamily>::add(const wire::Address<kFamily>& address, unsigned prefix_bits) {
  if (prefix_bits < kPrefixBits) return words_.fill(~std::uint32_t{0});  // seldom, and never wrong
  const std::uint32_t bit = index_of(address);
  words_[bit / 32] |= std::uint32_t{1} << bit % 32;
}

template <Family kFamily>
void ServiceTable::add(const wire::Address<kFamily>& address, const Service& service, ServiceId id,
                       std::vector<Level<kFamily>>& levels, Neighborhoods<kFamily>& near) {
  near.add(address, service.prefix_bits);
  using Words = typename Level<kFamily>::Words;
  const auto same = [&](const auto& level) { return level.prefix_bits == service.prefix_bits; };
  auto level = std::find_if(levels.begin(), levels.end(), same);
  if (level == levels.end()) {
    // Two rows a service (its own and the "owned" one), at most half full.
    const std::size_t rows = std::bit_ceil(4 * services_.size());
    levels.push_back({service.prefix_bits,
                      std::bit_cast<Words>(mask_of<wire::Address<kFamily>>(service.prefix_bits)),
                      std::vector<typename Level<kFamily>::Row>(rows)});
    level = std::prev(levels.end());
  }
  const Words prefix = level->masked(address);
  for (const std::uint16_t port : {service.port.host(), kAnyPort}) {
    auto& row = level->rows[level->place(prefix, port)];
    if (!row.used) row = {prefix, port, id, true};
  }
}

ServiceTable::ServiceTable(std::vector<Service> services) : services_(std::move(services)) {
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const Service& service = services_[i];
    const auto id = static_cast<ServiceId>(i);
    if (const auto* address = std::get_if<wire::Ipv4Address>(&service.address)) {
      add<Family::kIpv4>(*address, service, id, levels4_, near4_);
    } else {
      add<Family::kIpv6>(std::get<wire::Ipv6Address>(service.address), service, id, levels6_, near6_);
    }
  }
  const auto longest_first = [](const auto& a, const auto& b) { return a.prefix_bits > b.prefix_bits; };
  std::sort(levels4_.begin(), levels4_.end(), longest_first);
  std::sort(levels6_.begin(), levels6_.end(), longest_first);
}

}  // namespace synward::service
