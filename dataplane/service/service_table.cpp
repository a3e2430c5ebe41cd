#include "dataplane/service/service_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace synward::service {
namespace {

using wire::Family;

/// The first `bits` of `address`, the rest zero.
template <typename Address>
Address masked(Address address, std::uint8_t bits) {
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(bits) - static_cast<int>(8 * i), 0, 8);
    address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xff00u >> kept));
  }
  return address;
}

// The rows are the operator's, not an attacker's, and every probe is bounded by the longest run of used rows:
// an unkeyed mix will do.
template <typename Address>
std::size_t mix(const Address& address, std::uint16_t port) {
  std::uint64_t hash = port;
  for (std::size_t i = 0; i < address.bytes.size(); i += 4) {
    std::uint32_t word;
    std::memcpy(&word, address.bytes.data() + i, sizeof word);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return static_cast<std::size_t>(hash);
}

}  // namespace

template <Family kFamily>
auto ServiceTable::Level<kFamily>::probe(const wire::Address<kFamily>& address, std::uint16_t port) const
    -> const Row* {
  const auto prefix = masked(address, prefix_bits);
  const std::size_t mask = rows.size() - 1;
  for (std::size_t at = mix(prefix, port) & mask; rows[at].used; at = (at + 1) & mask) {
    if (rows[at].port == port && rows[at].prefix == prefix) return &rows[at];
  }
  return nullptr;
}

template <Family kFamily>
void ServiceTable::Level<kFamily>::put(const wire::Address<kFamily>& prefix, std::uint16_t port,
                                       ServiceId id) {
  const std::size_t mask = rows.size() - 1;
  std::size_t at = mix(prefix, port) & mask;
  while (rows[at].used) at = (at + 1) & mask;
  rows[at] = {prefix, port, id, true};
}

template <>
const std::vector<ServiceTable::Level<Family::kIpv4>>& ServiceTable::levels<Family::kIpv4>() const {
  return levels4_;
}
template <>
const std::vector<ServiceTable::Level<Family::kIpv6>>& ServiceTable::levels<Family::kIpv6>() const {
  return levels6_;
}

template <Family kFamily>
void ServiceTable::add(const wire::Address<kFamily>& address, const Service& service, ServiceId id,
                       std::vector<Level<kFamily>>& levels) {
  const auto same = [&](const auto& level) { return level.prefix_bits == service.prefix_bits; };
  auto level = std::find_if(levels.begin(), levels.end(), same);
  if (level == levels.end()) {
    // Two rows a service (its own and the "owned" one), at most half full.
    const std::size_t rows = std::bit_ceil(4 * services_.size());
    levels.push_back({service.prefix_bits, std::vector<typename Level<kFamily>::Row>(rows)});
    level = std::prev(levels.end());
  }
  const auto prefix = masked(address, service.prefix_bits);
  level->put(prefix, service.port.host(), id);
  if (level->probe(prefix, 0) == nullptr) level->put(prefix, 0, id);
}

ServiceTable::ServiceTable(std::vector<Service> services) : services_(std::move(services)) {
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const Service& service = services_[i];
    const auto id = static_cast<ServiceId>(i);
    if (const auto* address = std::get_if<wire::Ipv4Address>(&service.address)) {
      add<Family::kIpv4>(*address, service, id, levels4_);
    } else {
      add<Family::kIpv6>(std::get<wire::Ipv6Address>(service.address), service, id, levels6_);
    }
  }
  const auto longest_first = [](const auto& a, const auto& b) { return a.prefix_bits > b.prefix_bits; };
  std::sort(levels4_.begin(), levels4_.end(), longest_first);
  std::sort(levels6_.begin(), levels6_.end(), longest_first);
}

template <Family kFamily>
ServiceId ServiceTable::find(const wire::Address<kFamily>& address, wire::Port port) const {
  if (port.host() == 0) return kNoService;  // port 0 is the "owned" row
  for (const auto& level : levels<kFamily>()) {
    if (const auto* row = level.probe(address, port.host()); row != nullptr) return row->id;
  }
  return kNoService;
}

template <Family kFamily>
bool ServiceTable::owns(const wire::Address<kFamily>& address) const {
  return std::any_of(levels<kFamily>().begin(), levels<kFamily>().end(),
                     [&](const auto& level) { return level.probe(address, 0) != nullptr; });
}

template ServiceId ServiceTable::find<Family::kIpv4>(const wire::Ipv4Address&, wire::Port) const;
template ServiceId ServiceTable::find<Family::kIpv6>(const wire::Ipv6Address&, wire::Port) const;
template bool ServiceTable::owns<Family::kIpv4>(const wire::Ipv4Address&) const;
template bool ServiceTable::owns<Family::kIpv6>(const wire::Ipv6Address&) const;

}  // namespace synward::service
