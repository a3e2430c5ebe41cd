// Echo (RFC 792, RFC 4443 4.2): the request becomes its reply where it lies, whatever it carries.
#include <utility>

#include "dataplane/stages/frame_access.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ip_protocol.hpp"

namespace synward {
namespace {

using wire::Family;

template <Family kFamily>
bool verifies(const Burst& burst, LaneIndex i) {
  const auto message = transport_bytes(burst, i);
  if constexpr (kFamily == Family::kIpv4) {
    return wire::verifies(wire::add_bytes(0, message));
  } else {
    const auto& ip = ip_header<kFamily>(burst, i);
    return wire::verifies(
        wire::add_bytes(wire::pseudo_header_sum(ip.source, ip.destination, wire::IpProtocol::kIcmpv6,
                                                static_cast<std::uint16_t>(message.size())),
                        message));
  }
}

template <Family kFamily>
void answer(Burst& burst, LaneIndex i) {
  if (!verifies<kFamily>(burst, i)) return void(drop_lane(burst, i, Drop::kBadIcmpChecksum));
  auto& ethernet = ethernet_header(burst, i);
  std::swap(ethernet.source, ethernet.destination);
  auto& ip = header_at<IpHeader<kFamily>>(burst, i, burst.view[i].network);
  std::swap(ip.source, ip.destination);  // changes neither checksum: a sum has no order
  if constexpr (kFamily == Family::kIpv4) {
    const std::span<const std::byte> header{burst.frame[i] + burst.view[i].network, ip.header_bytes()};
    if (!wire::verifies(wire::add_bytes(0, header))) return void(drop_lane(burst, i, Drop::kBadIpv4Checksum));
    ip.ttl = kReplyHopLimit;
    ip.checksum = wire::Checksum{};
    ip.checksum = wire::finish(wire::add_bytes(0, header));
  } else {
    ip.hop_limit = kReplyHopLimit;
  }
  auto& echo = header_at<wire::IcmpHeader>(burst, i, burst.view[i].transport);
  echo.checksum = wire::update(echo.checksum, wire::BigEndian16{wire::kEchoRequest<kFamily> << 8},
                               wire::BigEndian16{wire::kEchoReply<kFamily> << 8});
  echo.type = wire::kEchoReply<kFamily>;
  burst.frame_bytes[i] = static_cast<std::uint16_t>(burst.view[i].transport +
                                                    burst.view[i].transport_bytes);  // without the padding
  burst.on(Route::kSend).push(i);
}

}  // namespace

void answer_echo(Burst& burst, CoreState&) {
  for (const LaneIndex i : burst.on(Route::kEcho4).take()) answer<Family::kIpv4>(burst, i);
  for (const LaneIndex i : burst.on(Route::kEcho6).take()) answer<Family::kIpv6>(burst, i);
}

}  // namespace synward
