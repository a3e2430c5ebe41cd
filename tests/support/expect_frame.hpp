// Two frames, and where they differ, in words.
//
//   EXPECT_TRUE(same_frame(burst.frame(0), FrameBuilder{}.ipv4(...).tcp(...).build()));
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::test {
namespace detail {

struct Field {
  std::size_t bytes;
  std::string_view name;
};
inline constexpr Field kEthernetFields[] = {
    {6, "ethernet.destination"}, {6, "ethernet.source"}, {2, "ethernet.ether_type"}};
inline constexpr Field kTagFields[] = {{2, "vlan.tci"}, {2, "vlan.ether_type"}};
inline constexpr Field kArpFields[] = {
    {8, "arp.fixed"}, {6, "arp.sender_mac"}, {4, "arp.sender"}, {6, "arp.target_mac"}, {4, "arp.target"}};
inline constexpr Field kIpv4Fields[] = {
    {1, "ipv4.version_ihl"}, {1, "ipv4.dscp_ecn"},   {2, "ipv4.total_length"}, {2, "ipv4.id"},
    {2, "ipv4.fragment"},    {1, "ipv4.ttl"},        {1, "ipv4.protocol"},     {2, "ipv4.checksum"},
    {4, "ipv4.source"},      {4, "ipv4.destination"}};
inline constexpr Field kIpv6Fields[] = {{4, "ipv6.class_flow"},  {2, "ipv6.payload_length"},
                                        {1, "ipv6.next_header"}, {1, "ipv6.hop_limit"},
                                        {16, "ipv6.source"},     {16, "ipv6.destination"}};
inline constexpr Field kTcpFields[] = {{2, "tcp.src_port"}, {2, "tcp.dst_port"}, {4, "tcp.seq"},
                                       {4, "tcp.ack"},      {1, "tcp.offset"},   {1, "tcp.flags"},
                                       {2, "tcp.window"},   {2, "tcp.checksum"}, {2, "tcp.urgent"}};

/// names[i] is what byte i of `frame` belongs to.
class ByteNames {
 public:
  explicit ByteNames(std::span<const std::byte> frame) : names_(frame.size(), "payload") {
    using namespace wire;
    const auto link = parse_ethernet(frame);
    if (!link) return;
    put(kEthernetFields);
    for (int tag = 0; tag < link->vlan_tags; ++tag) put(kTagFields);
    const auto packet = frame.subspan(link->network_offset);
    if (link->ether_type == std::uint16_t(EtherType::kArp)) put(kArpFields);
    if (link->ether_type == std::uint16_t(EtherType::kIpv4)) {
      if (const auto* ip = parse_ipv4(packet)) {
        put(kIpv4Fields);
        fill("ipv4.options", link->network_offset + ip->header_bytes());
        if (ip->protocol == IpProtocol::kTcp) tcp(frame);
      }
    } else if (link->ether_type == std::uint16_t(EtherType::kIpv6)) {
      put(kIpv6Fields);
      const auto chain = walk_extension_headers(packet);
      fill("ipv6.extensions", link->network_offset + std::size_t{chain.offset});
      if (chain.understood && chain.next_header == IpProtocol::kTcp) tcp(frame);
    }
  }
  [[nodiscard]] std::string_view at(std::size_t i) const { return i < names_.size() ? names_[i] : "nothing"; }

 private:
  void fill(std::string_view name, std::size_t end) {
    while (at_ < std::min(end, names_.size())) names_[at_++] = name;
  }
  template <std::size_t kCount>
  void put(const Field (&fields)[kCount]) {
    for (const auto& field : fields) fill(field.name, at_ + field.bytes);
  }
  void tcp(std::span<const std::byte> frame) {
    const auto* header = wire::parse_tcp(frame.subspan(at_));
    const std::size_t start = at_;
    put(kTcpFields);
    if (header != nullptr) fill("tcp.options", start + header->header_bytes());
  }

  std::vector<std::string_view> names_;
  std::size_t at_ = 0;
};

/// Bytes [from, to) in hexadecimal; "nothing" where the frame ends before.
inline std::string hex(std::span<const std::byte> frame, std::size_t from, std::size_t to) {
  if (from >= frame.size()) return "nothing";
  std::string text;
  for (std::size_t i = from; i < std::min(to, frame.size()); ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", std::to_integer<unsigned>(frame[i]));
    text += digits;
  }
  text.pop_back();
  return text;
}

}  // namespace detail

/// Success when both are equal to the last byte. Otherwise one line per field that differs, named as the
/// expected frame (the longer one, where they differ in length) would have it.
inline testing::AssertionResult same_frame(std::span<const std::byte> actual,
                                           std::span<const std::byte> expected) {
  if (std::ranges::equal(actual, expected)) return testing::AssertionSuccess();
  auto failure = testing::AssertionFailure();
  if (actual.size() != expected.size())
    failure << "\n  length: expected " << expected.size() << " bytes, got " << actual.size();
  const detail::ByteNames names{expected.size() >= actual.size() ? expected : actual};
  const std::size_t longest = std::max(actual.size(), expected.size());
  for (std::size_t from = 0, to = 0; from < longest; from = to) {
    while (to < longest && names.at(to) == names.at(from)) ++to;
    const auto wanted = detail::hex(expected, from, to), got = detail::hex(actual, from, to);
    if (wanted != got)
      failure << "\n  " << names.at(from) << " at byte " << from << ": expected " << wanted << ", got "
              << got;
  }
  return failure;
}

}  // namespace synward::test
