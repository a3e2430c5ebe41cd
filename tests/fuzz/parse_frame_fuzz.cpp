// Any frame through every parser of wire/, as a pipeline would go: what a parser lets in lies inside the
// frame, every byte of it, and the checksum over it is RFC 1071's.
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ndp.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/support/reference_checksum.hpp"

namespace synward::fuzz {
namespace {

using Bytes = std::span<const std::byte>;

void expect_inside(Bytes outer, Bytes inner) {
  if (inner.empty()) return;
  expect(inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size());
  expect(wire::finish(wire::add_bytes(0, inner)) == test::reference_checksum(inner));  // reads every byte
}

void segment(Bytes message) {
  const auto* tcp = wire::parse_tcp(message);
  if (tcp == nullptr) return;
  const Bytes options = wire::options(*tcp);
  expect(options.size() <= wire::kMaxTcpOptionBytes);
  expect_inside(message, options);
  expect_inside(message, wire::payload(*tcp, message));
  const auto parsed = wire::parse_tcp_options(options);
  expect_inside(options, std::as_bytes(parsed.sack()));
  if (const auto cookie = parsed.fast_open()) expect_inside(options, *cookie);
}

void ipv4(Bytes packet) {
  const auto* ip = wire::parse_ipv4(packet);
  if (ip == nullptr) return;
  expect_inside(packet, packet.first(ip->header_bytes()));
  const Bytes message = packet.first(ip->total_bytes()).subspan(ip->header_bytes());
  if (ip->fragment_offset_bytes() != 0) return;
  segment(message);
  if (const auto* echo = wire::parse_echo_request<wire::Family::kIpv4>(message))
    expect_inside(message, std::as_bytes(std::span{echo, 1}));
}

void ipv6(Bytes packet) {
  const auto payload = wire::walk_extension_headers(packet);
  if (!payload.understood) return;
  const auto& ip = *wire::parse_ipv6(packet);
  expect(payload.offset >= ip.header_bytes() && payload.offset <= ip.total_bytes());
  const Bytes message = packet.first(ip.total_bytes()).subspan(payload.offset);
  if (payload.fragment && !payload.first_fragment) return;
  segment(message);
  if (const auto solicitation = wire::parse_neighbor_solicitation(ip, message))
    expect(!wire::is_multicast(solicitation->target));
}

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synward;
  const auto frame = std::as_bytes(std::span{data, size});
  const auto link = wire::parse_ethernet(frame);
  if (!link) return 0;
  const auto packet = frame.subspan(link->network_offset);
  fuzz::expect_inside(frame, packet);
  if (const auto* arp = wire::parse_arp(packet))
    fuzz::expect_inside(packet, std::as_bytes(std::span{arp, 1}));
  fuzz::ipv4(packet);  // whatever the EtherType says: the parsers must stand on their own
  fuzz::ipv6(packet);
  return 0;
}
