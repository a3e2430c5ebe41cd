#include "control/trace/explain.hpp"

#include <fmt/format.h>

#include "control/trace/packet_text.hpp"
#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/cut_frame.hpp"
#include "dataplane/wire/icmp.hpp"

namespace synward::control {
namespace {

std::uint16_t number_of(wire::Checksum checksum) { return checksum.wire.host(); }

/// A frame of a sample, and what can be read of it.
struct Read {
  explicit Read(const KeptFrame& frame)
      : kept{frame.kept()}, bytes{frame.bytes}, cut{wire::read_cut_frame(kept)} {}

  template <typename Header>
  [[nodiscard]] const Header* transport() const {
    return cut.transport == 0 ? nullptr : wire::view_as<Header>(kept.subspan(cut.transport));
  }
  [[nodiscard]] const wire::ArpPacket* arp() const {
    if (!cut.link || cut.link->ether_type != std::uint16_t(wire::EtherType::kArp)) return nullptr;
    return wire::parse_arp(kept.subspan(cut.link->network_offset));
  }
  [[nodiscard]] std::size_t behind_link() const { return cut.link ? bytes - cut.link->network_offset : 0; }
  /// Of the upper layer, by what the IP header claims.
  [[nodiscard]] std::size_t transport_bytes() const {
    if (cut.transport == 0) return 0;
    const std::size_t before = cut.transport - cut.link->network_offset;
    const std::size_t all = cut.ipv4 != nullptr ? cut.ipv4->total_bytes() : cut.ipv6->total_bytes();
    return all > before ? all - before : 0;
  }
  [[nodiscard]] std::string source() const {
    if (cut.ipv4 != nullptr) return address_text(cut.ipv4->source);
    return cut.ipv6 != nullptr ? address_text(cut.ipv6->source) : "";
  }
  [[nodiscard]] std::string destination() const {
    if (cut.ipv4 != nullptr) return address_text(cut.ipv4->destination);
    return cut.ipv6 != nullptr ? address_text(cut.ipv6->destination) : "";
  }
  [[nodiscard]] std::uint32_t seq() const { return wire::SeqNum{cut.tcp->seq}.value(); }
  [[nodiscard]] std::uint32_t ack() const { return wire::SeqNum{cut.tcp->ack}.value(); }
  [[nodiscard]] bool has(std::uint8_t flag) const { return (cut.tcp->flags & flag) != 0; }
  [[nodiscard]] wire::TcpOptions options() const { return wire::parse_tcp_options(cut.tcp_options(kept)); }

  std::span<const std::byte> kept;
  std::size_t bytes;
  wire::CutFrame cut;
};

std::string ip_header_seen(const Read& frame) {
  const std::size_t there = frame.behind_link();
  if (const auto* ip = frame.cut.ipv4)
    return fmt::format(
        "seen version {}, a header of {} bytes and {} bytes in all; expected version 4, 20 to 60 bytes, and "
        "no "
        "more than the {} that came",
        ip->version_and_ihl >> 4, ip->header_bytes(), ip->total_bytes(), there);
  if (const auto* ip = frame.cut.ipv6)
    return fmt::format(
        "seen version {}, {} bytes in all and next header {}; expected version 6, no more than the {} that "
        "came, "
        "and extension headers in RFC 8200's order",
        ip->version_class_flow.host() >> 28, ip->total_bytes(), ip->next_header, there);
  return fmt::format("seen {} bytes; expected a whole header", there);
}

std::string fragment_seen(const Read& frame) {
  if (const auto* ip = frame.cut.ipv4)
    return fmt::format("seen offset {} and {}", ip->fragment_offset_bytes(),
                       (ip->flags_and_offset.host() & wire::Ipv4Header::kMoreFragments) != 0
                           ? "more to come"
                           : "nothing more to come");
  return "seen a fragment header";
}

std::string other_mac_seen(const Read& frame, const wire::MacAddress& ours) {
  const auto* ethernet = wire::view_as<wire::EthernetHeader>(frame.kept);
  if (ethernet == nullptr) return "";
  return fmt::format("seen {}; expected {}", mac_text(ethernet->destination), mac_text(ours));
}

std::string arp_seen(const Read& frame) {
  const auto* arp = frame.arp();
  if (arp == nullptr) return "seen no ARP between Ethernet and IPv4";
  return fmt::format("seen operation {} for {}; expected a request (1) for the address of a service",
                     arp->operation.host(), address_text(arp->target_address));
}

std::string icmp_seen(const Read& frame) {
  const auto* icmp = frame.transport<wire::IcmpHeader>();
  return icmp == nullptr ? "" : fmt::format("seen type {} code {}", icmp->type, icmp->code);
}

template <wire::Family kFamily>
std::string service_seen(const service::ServiceTable& services, const wire::Address<kFamily>& address,
                         const wire::TcpHeader* tcp) {
  const std::string text = address_text(address);
  if (!services.owns<kFamily>(address)) return fmt::format("{} is the address of none", text);
  if (tcp == nullptr) return "";
  return fmt::format("{} has a service, but not on port {}", text, tcp->dst_port.host());
}

std::string no_service_seen(const Read& frame, const service::ServiceTable& services) {
  if (frame.cut.ipv4 != nullptr)
    return service_seen<wire::Family::kIpv4>(services, frame.cut.ipv4->destination, frame.cut.tcp);
  if (frame.cut.ipv6 != nullptr)
    return service_seen<wire::Family::kIpv6>(services, frame.cut.ipv6->destination, frame.cut.tcp);
  return "";
}

std::string tcp_header_seen(const Read& frame) {
  const std::size_t there = frame.transport_bytes();
  if (frame.cut.tcp == nullptr) return fmt::format("seen {} bytes; expected 20 at least", there);
  return fmt::format("seen a header of {} bytes in {}; expected 20 to 60, and no more than there are",
                     frame.cut.tcp->header_bytes(), there);
}

std::string checksum_seen(const TraceRecord& record, const Read& frame) {
  std::uint16_t seen = 0;
  if (record.reason == Drop::kBadIpv4Checksum) {
    if (frame.cut.ipv4 == nullptr) return "";
    seen = number_of(frame.cut.ipv4->checksum);
  } else if (record.reason == Drop::kBadTcpChecksum) {
    if (frame.cut.tcp == nullptr) return "";
    seen = number_of(frame.cut.tcp->checksum);
  } else {
    const auto* icmp = frame.transport<wire::IcmpHeader>();
    if (icmp == nullptr) return "";
    seen = number_of(icmp->checksum);
  }
  if (!record.right_checksum) return fmt::format("seen 0x{:04x}", seen);
  return fmt::format("seen 0x{:04x}; expected 0x{:04x}", seen, number_of(*record.right_checksum));
}

std::string cookie_seen(const TraceRecord& record, const Read& frame) {
  switch (record.doubt) {
    case CookieDoubt::kMintedWithout:
      return "the cookie holds for a SYN without timestamps, but this segment has some: who puts them there?";
    case CookieDoubt::kMintedWith:
      return "the cookie holds for a SYN with timestamps, but this segment has none: who takes them away?";
    case CookieDoubt::kNone:
      break;
  }
  return fmt::format(
      "seen ack {}: {:#010x} is no cookie for this client, service and ISN {} under the keys of the last 64 "
      "to "
      "128 seconds; expected an ACK of our SYN-ACK, or the first text",
      frame.ack(), frame.ack() - 1, frame.seq() - 1);
}

/// What the connection of the tuple expects.
std::string connection_seen(const TracedConnection& connection, const Read& frame) {
  std::string text = fmt::format("its connection is {}", phase_text(connection.phase));
  if (connection.phase == table::ConnectionPhase::kTombstone) return text;
  text += fmt::format("; seen seq {}", frame.seq());
  if (frame.has(wire::TcpFlags::kAck)) text += fmt::format(" and ack {}", frame.ack());
  const std::uint32_t next = connection.client_next.value();
  if (connection.receive_window != 0 && frame.has(wire::TcpFlags::kRst))
    return text + fmt::format("; expected seq {} to {}", next, next + connection.receive_window - 1);
  return text + fmt::format("; expected seq {} and ack {}", next, connection.service_next.value());
}

/// What is to be said of a frame or packet beside the reason's own line.
std::string packet_detail(const TraceRecord& record, const Read& frame, const TraceContext& context) {
  switch (record.reason) {
    case Drop::kTruncatedFrame:
      return fmt::format("seen {} bytes", frame.bytes);
    case Drop::kOtherMac:
      return other_mac_seen(frame, context.ports[record.port].mac);
    case Drop::kOtherEtherType:
      return fmt::format("seen 0x{:04x}", frame.cut.link ? frame.cut.link->ether_type : 0);
    case Drop::kArpIgnored:
      return arp_seen(frame);
    case Drop::kBadIpv4Header:
    case Drop::kBadIpv6Header:
      return ip_header_seen(frame);
    case Drop::kFragment:
      return fragment_seen(frame);
    case Drop::kBadSource:
    case Drop::kDropList:
    case Drop::kSynBudget:
      return fmt::format("seen {}", frame.source());
    case Drop::kGroupDestination:
      return fmt::format("seen {}", frame.destination());
    case Drop::kOtherProtocol:
      return fmt::format("seen protocol {}", frame.cut.protocol);
    case Drop::kIcmpIgnored:
      return icmp_seen(frame);
    case Drop::kNoService:
      return no_service_seen(frame, context.services);
    case Drop::kBadTcpHeader:
      return tcp_header_seen(frame);
    case Drop::kBadIpv4Checksum:
    case Drop::kBadTcpChecksum:
    case Drop::kBadIcmpChecksum:
      return checksum_seen(record, frame);
    default:
      return "";  // the line says all that there is to say
  }
}

/// The same of a segment whose TCP header has been kept.
std::string segment_detail(const TraceRecord& record, const Read& frame) {
  switch (record.reason) {
    case Drop::kNoFlags:
    case Drop::kNoAck:
    case Drop::kSynFin:
    case Drop::kSynRst:
    case Drop::kSynAck:
    case Drop::kFinRst:
    case Drop::kXmas:
      return fmt::format("seen flags {}", flags_text(frame.cut.tcp->flags));
    case Drop::kMssTooSmall:
      return fmt::format("seen {}; expected {} at least", frame.options().mss().value_or(0),
                         cookie::kLeastMss);
    case Drop::kBadCookie:
      if (record.doubt != CookieDoubt::kNone || !record.connection) return cookie_seen(record, frame);
      [[fallthrough]];
    case Drop::kRstWithoutConnection:
    case Drop::kSpentCookie:
    case Drop::kRstOutsideWindow:
    case Drop::kMissingTimestamp:
    case Drop::kChallengeLimited:
    case Drop::kHoldFull:
    case Drop::kBackendUnexpected:
    case Drop::kRefusedAgain:
      return record.connection ? connection_seen(*record.connection, frame) : "";
    default:
      return "";
  }
}

std::string drop_text(const TraceRecord& record, const Read& frame, const TraceContext& context) {
  const std::string_view reason = kDropTable[static_cast<std::size_t>(record.reason)].help;
  std::string more = packet_detail(record, frame, context);
  if (more.empty() && frame.cut.tcp != nullptr) more = segment_detail(record, frame);
  return more.empty() ? std::string{reason} : fmt::format("{}; {}", reason, more);
}

std::string tcp_reply_text(const TraceRecord& record, const Read& frame, const Read& reply) {
  const auto& connection = record.connection;
  const bool is_syn = frame.cut.tcp != nullptr && frame.has(wire::TcpFlags::kSyn);
  if (reply.has(wire::TcpFlags::kSyn)) {
    const std::string options = options_text(reply.options());
    return fmt::format("SYN answered with a SYN-ACK whose ISN {} is a cookie, {}", reply.seq(),
                       options.empty() ? "without options" : "options " + options);
  }
  if (reply.has(wire::TcpFlags::kRst)) {
    if (is_syn && !frame.has(wire::TcpFlags::kAck)) return "SYN reset: its backend is down";
    if (connection && connection->phase != table::ConnectionPhase::kTombstone)
      return "reset, by its connection, which is " + phase_text(connection->phase);
    return "reset: neither connection nor cookie, and it came again after three seconds";
  }
  std::string text = fmt::format("answered with [{}] seq {} ack {}", flags_text(reply.cut.tcp->flags),
                                 reply.seq(), reply.ack());
  if (connection) text += "; its connection is " + phase_text(connection->phase);
  return text;
}

std::string reply_text(const TraceRecord& record, const Read& frame) {
  const Read reply{record.answer};
  if (reply.cut.tcp != nullptr) return tcp_reply_text(record, frame, reply);
  return "answered: " + packet_text(reply.kept, reply.bytes);
}

void add_move(std::string& text, const char* what, std::uint32_t before, std::uint32_t after) {
  if (before != after) text += fmt::format(", {} {} -> {}", what, before, after);
}

/// What of a segment is other than it was.
std::string translation_text(const Read& frame, const Read& left) {
  std::string text;
  if (frame.cut.tcp == nullptr || left.cut.tcp == nullptr) return ", translated";
  add_move(text, "seq", frame.seq(), left.seq());
  if (frame.has(wire::TcpFlags::kAck)) add_move(text, "ack", frame.ack(), left.ack());
  add_move(text, "window", frame.cut.tcp->window.host(), left.cut.tcp->window.host());
  const auto before = frame.options().timestamps(), after = left.options().timestamps();
  if (before && after) {
    add_move(text, "TS val", before->tsval, after->tsval);
    add_move(text, "TS ecr", before->tsecr, after->tsecr);
  }
  return text.empty() ? ", translated" : text;
}

std::string forward_text(const TraceRecord& record, const Read& frame, const TraceContext& context) {
  const Side side = context.ports[record.port].side;
  if (side == Side::kEndpoint) {
    std::string text = "taken";
    if (record.connection) text += "; its connection is " + phase_text(record.connection->phase);
    return text;
  }
  const std::string to = side == Side::kOutside ? "on to its backend" : "on to its client";
  if (record.answer.bytes != 0) return to + translation_text(frame, Read{record.answer});
  if (record.service == service::kNoService) return "concerns no service: on, unchanged";
  return to +
         (record.connection ? ", nothing to translate" : ", unchanged: of no connection that synward has");
}

}  // namespace

std::string phase_text(table::ConnectionPhase phase) {
  using table::ConnectionPhase;
  switch (phase) {
    case ConnectionPhase::kUnfinished:
      return "half open";
    case ConnectionPhase::kEstablished:
      return "ESTABLISHED";
    case ConnectionPhase::kCloseWait:
      return "CLOSE-WAIT";
    case ConnectionPhase::kFinWait1:
      return "FIN-WAIT-1";
    case ConnectionPhase::kFinWait2:
      return "FIN-WAIT-2";
    case ConnectionPhase::kClosing:
      return "CLOSING";
    case ConnectionPhase::kLastAck:
      return "LAST-ACK";
    case ConnectionPhase::kTimeWait:
      return "TIME-WAIT";
    case ConnectionPhase::kTombstone:
      return "closed";
    case ConnectionPhase::kCount:
      break;
  }
  return "";
}

std::string explain(const TraceRecord& record, const TraceContext& context) {
  const Read frame{record.frame};
  switch (record.verdict) {
    case Route::kSend:
      return reply_text(record, frame);
    case Route::kForward:
      return forward_text(record, frame, context);
    case Route::kHold:
      return "waits until its backend has answered";
    default:
      break;
  }
  return drop_text(record, frame, context);
}

}  // namespace synward::control
