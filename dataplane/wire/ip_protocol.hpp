// What an IP header says comes next: IANA's assigned protocol numbers, those that synward tells apart.
#pragma once

#include <cstdint>

namespace synward::wire {

struct IpProtocol {
  static constexpr std::uint8_t kHopByHopOptions = 0;
  static constexpr std::uint8_t kIcmp = 1;
  static constexpr std::uint8_t kTcp = 6;
  static constexpr std::uint8_t kUdp = 17;
  static constexpr std::uint8_t kIpv6Routing = 43;
  static constexpr std::uint8_t kIpv6Fragment = 44;
  static constexpr std::uint8_t kEncapsulatingSecurity = 50;
  static constexpr std::uint8_t kAuthentication = 51;
  static constexpr std::uint8_t kIcmpv6 = 58;
  static constexpr std::uint8_t kNoNextHeader = 59;
  static constexpr std::uint8_t kDestinationOptions = 60;
};

}  // namespace synward::wire
