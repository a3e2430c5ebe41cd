// SYNs as clients send them, and nearly so: whoever answers them by two ways finds out here whether the two
// agree.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "dataplane/wire/checksum.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {

/// Beside the service of PipelineLab, of whose backends Linux is known: one whose backends a test teaches
/// what it wants, and one whose backends have not been heard.
inline constexpr std::uint16_t kTaughtPort = kServicePort + 1, kUnheardPort = kServicePort + 2;
inline std::vector<service::Service> services_of_syn_maker(const service::Profile& profile = {}) {
  std::vector<service::Service> made;
  for (auto service : PipelineLab::default_services()) {
    const auto name = service.name;
    for (const std::uint16_t port : {kServicePort, kTaughtPort, kUnheardPort}) {
      service.name = name + std::to_string(port);
      service.port = wire::Port{port};
      if (port == kTaughtPort) service.profile = profile;
      made.push_back(service);
    }
  }
  // Prefixes, and one address of each that has a service of its own.
  const auto add = [&made](const char* name, auto address, std::uint8_t prefix_bits, std::uint16_t mss) {
    made.push_back({.name = name,
                    .address = address,
                    .prefix_bits = prefix_bits,
                    .port = wire::Port{kServicePort},
                    .profile = {.mss = mss}});
  };
  add("four_prefix", ip4("198.18.64.0"), 18, 1400);
  add("four_one", ip4("198.18.64.1"), 32, 1300);
  add("six_prefix", ip6("2001:2:0:64::"), 64, 1380);
  add("six_one", ip6("2001:2:0:64::1"), 128, 1280);
  return made;
}

enum class SynLayout : std::uint8_t { kLinux, kMac, kWindows };
inline constexpr std::array kSynLayouts{SynLayout::kLinux, SynLayout::kMac, SynLayout::kWindows};

struct SynValues {
  std::uint16_t mss = 1460;
  std::uint8_t scale = 7;
  std::uint32_t tsval = 0x0102'0304, tsecr = 0;
};

/// The options of a SYN as those systems lay them out.
inline Bytes syn_options(SynLayout layout, const SynValues& values) {
  const Bytes mss = bytes_of({2, 4, values.mss >> 8, values.mss & 0xff});
  const Bytes scale = bytes_of({1, 3, 3, values.scale});
  const Bytes stamps = bytes_of(std::array{wire::BigEndian32{values.tsval}, wire::BigEndian32{values.tsecr}});
  const auto all = [](std::initializer_list<Bytes> parts) {
    Bytes whole;
    for (const Bytes& part : parts) whole.insert(whole.end(), part.begin(), part.end());
    return whole;
  };
  switch (layout) {
    case SynLayout::kLinux:
      return all({mss, bytes_of({4, 2, 8, 10}), stamps, scale});
    case SynLayout::kMac:
      return all({mss, scale, bytes_of({1, 1, 8, 10}), stamps, bytes_of({4, 2, 0, 0})});
    case SynLayout::kWindows:
      break;
  }
  return all({mss, scale, bytes_of({1, 1, 4, 2})});
}

/// Makes both checksums of a frame right again, where it has the headers for it.
inline void repair_checksums(Bytes& frame) {
  const auto link = wire::parse_ethernet(frame);
  if (!link) return;
  const std::span packet = std::span{frame}.subspan(link->network_offset);
  const auto mend = [](std::span<std::byte> segment, std::uint64_t pseudo) {
    if (segment.size() < sizeof(wire::TcpHeader)) return;
    auto& tcp = wire::overlay<wire::TcpHeader>(segment.data());
    tcp.checksum = {};
    tcp.checksum = wire::finish(wire::add_bytes(pseudo, segment));
  };
  constexpr auto kTcp = wire::IpProtocol::kTcp;
  if (const auto* parsed = wire::parse_ipv4(packet); parsed != nullptr) {
    auto& ip = wire::overlay<wire::Ipv4Header>(packet.data());
    const auto segment = packet.first(ip.total_bytes()).subspan(ip.header_bytes());
    mend(segment, wire::pseudo_header_sum(ip.source, ip.destination, kTcp,
                                          static_cast<std::uint16_t>(segment.size())));
    ip.checksum = {};
    ip.checksum = wire::finish(wire::add_bytes(0, packet.first(ip.header_bytes())));
  } else if (const auto* ip6 = wire::parse_ipv6(packet); ip6 != nullptr) {
    const auto segment =
        packet.first(ip6->total_bytes()).subspan(wire::walk_extension_headers(packet).offset);
    mend(segment, wire::pseudo_header_sum(ip6->source, ip6->destination, kTcp,
                                          static_cast<std::uint16_t>(segment.size())));
  }
}

/// Makes SYNs by the decisions of `below(n)`, which gives a number from 0 to n - 1; 0 decides for what is
/// common.
template <typename Below>
class SynMaker {
 public:
  explicit SynMaker(Below below) : below_{std::move(below)} {}

  /// Of one of the layouts, with any values; one in 4 not quite so.
  [[nodiscard]] Bytes syn() {
    const bool odd = one_in(4);
    FrameBuilder built;
    const bool is_ipv4 = below_(2) == 0;
    if (is_ipv4) {
      built.ipv4(odd && one_in(4) ? strange_ipv4() : ipv4(), to_ipv4());
    } else {
      built.ipv6(odd && one_in(4) ? strange_ipv6() : ipv6(), to_ipv6());
    }
    using Flags = wire::TcpFlags;
    constexpr std::array<std::uint8_t, 5> kFlags{0, Flags::kEce | Flags::kCwr, Flags::kEce, Flags::kPsh,
                                                 Flags::kUrg | Flags::kCwr};
    constexpr std::array<std::uint16_t, 8> kPorts{kServicePort, kServicePort, kServicePort, kTaughtPort,
                                                  kTaughtPort,  kTaughtPort,  kTaughtPort,  kUnheardPort};
    std::uint8_t flags = Flags::kSyn | kFlags[below_(kFlags.size())];
    if (odd && one_in(8)) flags = static_cast<std::uint8_t>(below_(256));
    const auto port =
        static_cast<std::uint16_t>(odd && one_in(8) ? below_(65'536) : kPorts[below_(kPorts.size())]);
    built.tcp(static_cast<std::uint16_t>(below_(65'536)), port, flags)
        .seq(word())
        .ack(one_in(4) ? word() : 0);
    built.window(static_cast<std::uint16_t>(below_(65'536))).ttl(static_cast<std::uint8_t>(below_(256)));
    if (one_in(2)) built.traffic_class(static_cast<std::uint8_t>(below_(256)));
    built.tcp_options(odd && one_in(2) ? odd_options() : syn_options(kSynLayouts[below_(3)], values()));
    if (odd && one_in(4)) put_between(built, is_ipv4);
    for (std::uint32_t tags = one_in(2) ? 1 : 0; tags != 0; tags = one_in(odd ? 2 : 8) ? 1 : 0)
      built.vlan(static_cast<std::uint16_t>(below_(65'536)),
                 odd ? wire::EtherType::kQinQ : wire::EtherType::kVlan);
    if (odd) make_odd(built);
    Bytes frame = built.build();
    if (odd && one_in(2)) spoil(frame);
    return frame;
  }

  /// Addresses from which none, or seldom one, comes.
  wire::Ipv4Address strange_ipv4() {
    constexpr std::array<std::array<std::uint8_t, 4>, 8> kStrange{{{224, 0, 0, 1},
                                                                   {239, 255, 255, 255},
                                                                   {240, 0, 0, 1},
                                                                   {255, 255, 255, 255},
                                                                   {255, 255, 255, 254},
                                                                   {127, 0, 0, 1},
                                                                   {0, 0, 0, 0},
                                                                   {0, 0, 0, 1}}};
    return one_in(4) ? kService4 : wire::Ipv4Address{kStrange[below_(8)]};
  }
  wire::Ipv6Address strange_ipv6() {
    wire::Ipv6Address address{};  // ::
    switch (below_(5)) {
      case 0:
        return address;
      case 1:
        return address.bytes[15] = 1, address;
      case 2:
        return address.bytes[12] = 1, address.bytes[15] = 7, address;
      case 3:
        return kService6;
      default:
        return address.bytes[0] = 0xff, address;
    }
  }
  /// Makes something of a frame wrong, or strange.
  void make_odd(FrameBuilder& built) {
    switch (below_(9)) {
      case 0:
        return void(built.wrong_checksum());
      case 1:
        return void(built.wrong_ip_checksum());
      case 2:
        return void(built.payload("GET / HTTP/1.1\r\n\r\n"));
      case 3:
        return void(built.pad_to(128));
      case 4:
        return void(built.mac({{2, 0, 0, 0, 0, 0x77}}, kPeerMac));
      case 5:
        return void(built.mac({{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, kPeerMac));
      case 6:
        return void(built.claim_total_bytes(below_(128)));
      case 7:
        return void(built.claim_tcp_header_bytes(below_(16) * 4));
      default:
        return void(built.protocol(static_cast<std::uint8_t>(below_(256))));
    }
  }
  /// Other bits, other bytes, fewer bytes; half of the time with the checksums that then are right.
  void spoil(Bytes& frame) {
    for (std::uint32_t times = 1 + below_(2); times != 0; --times) {
      const std::size_t at = below_(static_cast<std::uint32_t>(frame.size()));
      frame[at] ^= one_in(2) ? std::byte(below_(256)) : std::byte(1 << below_(8));
    }
    if (one_in(4)) frame.resize(below_(static_cast<std::uint32_t>(frame.size())));
    if (one_in(2)) repair_checksums(frame);
  }

  /// What may be between the IP header and TCP's.
  void put_between(FrameBuilder& built, bool is_ipv4) {
    constexpr std::array<std::uint8_t, 4> kHeaders{
        wire::IpProtocol::kDestinationOptions, wire::IpProtocol::kHopByHopOptions,
        wire::IpProtocol::kAuthentication, wire::IpProtocol::kIpv6Routing};
    if (is_ipv4) {
      Bytes options(4 * (1 + below_(10)));
      for (std::byte& byte : options) byte = std::byte(below_(256));
      return void(built.ip_options(options));
    }
    for (std::uint32_t headers = 1 + below_(9); headers != 0; --headers) {
      if (one_in(8)) built.fragment(one_in(2) ? below_(2) * 8 : 0, one_in(4));
      built.extension(kHeaders[one_in(4) ? below_(4) : 0], one_in(4) ? 16 : 8);
    }
  }
  bool one_in(std::uint32_t n) { return below_(n) == n - 1; }

 private:
  std::uint32_t word() { return below_(65'536) << 16 | below_(65'536); }
  SynValues values() {
    constexpr std::array<std::uint16_t, 12> kMss{1460, 1440, 1452, 1400, 536,  1220,
                                                 55,   56,   1207, 1208, 9860, 65535};
    const auto pick = below_(kMss.size() + 1);
    return {.mss = pick < kMss.size() ? kMss[pick] : static_cast<std::uint16_t>(below_(65'536)),
            .scale = static_cast<std::uint8_t>(one_in(4) ? below_(256) : below_(15)),
            .tsval = word(),
            .tsecr = one_in(4) ? word() : 0};
  }
  /// Up to 40 bytes of options in any order, known and unknown, proper and not.
  Bytes odd_options() {
    constexpr std::array<std::uint8_t, 12> kOften{1, 2, 3, 4, 8, 0, 5, 10, 34, 30, 99, 255};
    const auto byte = [this] { return static_cast<int>(below_(256)); };
    Bytes list;
    for (std::size_t bytes = 4 * below_(11); list.size() < bytes; list.resize(std::min(list.size(), bytes))) {
      switch (below_(8)) {
        case 0:
          append(list, bytes_of({1}));
          break;
        case 1:
          append(list, bytes_of({2, 4, one_in(8) ? 0 : 5, byte()}));
          break;
        case 2:
          append(list, bytes_of({3, 3, byte() % 16}));
          break;
        case 3:
          append(list, bytes_of({4, 2}));
          break;
        case 4:
          append(list, bytes_of({8, 10, byte(), byte(), byte(), byte(), 0, 0, 0, 0}));
          break;
        default:
          append(list, bytes_of({one_in(8) ? byte() : kOften[below_(kOften.size())]}));
          break;
      }
    }
    return list;
  }
  /// The service of PipelineLab, or near the beginning of a prefix.
  wire::Ipv4Address to_ipv4() {
    if (!one_in(4)) return kService4;
    return {{198, 18, 64, static_cast<std::uint8_t>(below_(3))}};
  }
  wire::Ipv6Address to_ipv6() {
    if (!one_in(4)) return kService6;
    auto address = ip6("2001:2:0:64::");
    address.bytes[15] = static_cast<std::uint8_t>(below_(3));
    return address;
  }
  wire::Ipv4Address ipv4() {
    const std::uint32_t low = word();
    return {{static_cast<std::uint8_t>(1 + below_(126)), static_cast<std::uint8_t>(low >> 16),
             static_cast<std::uint8_t>(low >> 8), static_cast<std::uint8_t>(low)}};
  }
  wire::Ipv6Address ipv6() {
    wire::Ipv6Address address{};
    for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(below_(256));
    address.bytes[0] = 0x24;
    return address;
  }
  Below below_;
};

}  // namespace synward::test
