#include "control/trace/packet_text.hpp"

#include <utility>

#include <fmt/format.h>

#include "config/print.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/icmp.hpp"

namespace synward::control {
namespace {

std::string joined(const std::string& so_far, const std::string& more) {
  return so_far.empty() ? more : so_far + "," + more;
}

std::string bracketed(const std::string& address, bool is_ipv6) {
  return is_ipv6 ? "[" + address + "]" : address;
}

std::string tcp_text(const wire::CutFrame& frame, std::span<const std::byte> kept, std::size_t text_bytes) {
  const wire::TcpHeader& tcp = *frame.tcp;
  const auto seq = wire::SeqNum{tcp.seq}.value(), ack = wire::SeqNum{tcp.ack}.value();
  std::string text = fmt::format("[{}] seq {}", flags_text(tcp.flags), seq);
  if ((tcp.flags & wire::TcpFlags::kAck) != 0) text += fmt::format(" ack {}", ack);
  text += fmt::format(" win {} len {}", tcp.window.host(), text_bytes);
  const std::string options = options_text(wire::parse_tcp_options(frame.tcp_options(kept)));
  return options.empty() ? text : text + " <" + options + ">";
}

/// What IP carries.
std::string payload_text(const wire::CutFrame& frame, std::span<const std::byte> kept, std::size_t ip_bytes) {
  const std::size_t before = frame.transport - frame.link->network_offset;
  if (frame.tcp != nullptr) {
    const std::size_t headers = before + frame.tcp->header_bytes();
    return tcp_text(frame, kept, ip_bytes > headers ? ip_bytes - headers : 0);
  }
  const bool is_icmp =
      frame.protocol == wire::IpProtocol::kIcmp || frame.protocol == wire::IpProtocol::kIcmpv6;
  const auto* icmp = is_icmp && frame.transport != 0
                         ? wire::view_as<wire::IcmpHeader>(kept.subspan(frame.transport))
                         : nullptr;
  if (icmp != nullptr)
    return fmt::format("ICMP{} type {} code {}", frame.ipv6 != nullptr ? "v6" : "", icmp->type, icmp->code);
  return fmt::format("protocol {}, {} bytes", frame.protocol, ip_bytes);
}

template <typename IpHeader>
std::string ip_text(const IpHeader& ip, const wire::CutFrame& frame, std::span<const std::byte> kept) {
  const bool is_ipv6 = frame.ipv6 != nullptr;
  const auto end = [&](const auto& address, const wire::Port* port) {
    const std::string text = address_text(address);
    return port == nullptr ? text : fmt::format("{}:{}", bracketed(text, is_ipv6), port->host());
  };
  const wire::TcpHeader* tcp = frame.tcp;
  return fmt::format("{} > {} {}", end(ip.source, tcp == nullptr ? nullptr : &tcp->src_port),
                     end(ip.destination, tcp == nullptr ? nullptr : &tcp->dst_port),
                     payload_text(frame, kept, ip.total_bytes()));
}

}  // namespace

std::string address_text(const wire::Ipv4Address& address) {
  return config::to_text(wire::Prefix{address, 32});
}
std::string address_text(const wire::Ipv6Address& address) {
  return config::to_text(wire::Prefix{address, 128});
}

std::string mac_text(const wire::MacAddress& mac) { return fmt::format("{:02x}", fmt::join(mac.bytes, ":")); }

std::string flags_text(std::uint8_t flags) {
  constexpr std::pair<std::uint8_t, char> kLetters[] = {
      {wire::TcpFlags::kFin, 'F'}, {wire::TcpFlags::kSyn, 'S'}, {wire::TcpFlags::kRst, 'R'},
      {wire::TcpFlags::kPsh, 'P'}, {wire::TcpFlags::kAck, '.'}, {wire::TcpFlags::kUrg, 'U'},
      {wire::TcpFlags::kEce, 'E'}, {wire::TcpFlags::kCwr, 'W'}};
  std::string text;
  for (const auto& [flag, letter] : kLetters)
    if ((flags & flag) != 0) text += letter;
  return text.empty() ? "none" : text;
}

std::string options_text(const wire::TcpOptions& options) {
  std::string text;
  if (const auto mss = options.mss()) text = joined(text, fmt::format("mss {}", *mss));
  if (options.sack_permitted()) text = joined(text, "sackOK");
  if (const auto stamps = options.timestamps())
    text = joined(text, fmt::format("TS val {} ecr {}", stamps->tsval, stamps->tsecr));
  if (const auto scale = options.window_scale()) text = joined(text, fmt::format("wscale {}", *scale));
  if (const auto cookie = options.fast_open())
    text = joined(text, cookie->empty() ? "tfo request" : fmt::format("tfo {} bytes", cookie->size()));
  for (const wire::SackBlock& block : options.sack())
    text = joined(text, fmt::format("sack {}:{}", block.left.host(), block.right.host()));
  if (options.malformed()) text = joined(text, "malformed");
  return text;
}

std::string packet_text(std::span<const std::byte> kept, std::size_t bytes) {
  const wire::CutFrame frame = wire::read_cut_frame(kept);
  if (frame.ipv4 != nullptr) return ip_text(*frame.ipv4, frame, kept);
  if (frame.ipv6 != nullptr) return ip_text(*frame.ipv6, frame, kept);
  if (!frame.link) return fmt::format("{} bytes", bytes);
  const auto* arp = frame.link->ether_type == std::uint16_t(wire::EtherType::kArp)
                        ? wire::parse_arp(kept.subspan(frame.link->network_offset))
                        : nullptr;
  if (arp == nullptr) return fmt::format("EtherType 0x{:04x}, {} bytes", frame.link->ether_type, bytes);
  if (arp->operation == wire::kArpReply)
    return fmt::format("ARP: {} is at {}", address_text(arp->sender_address), mac_text(arp->sender_mac));
  return fmt::format("ARP: who has {}, tell {}", address_text(arp->target_address),
                     address_text(arp->sender_address));
}

}  // namespace synward::control
