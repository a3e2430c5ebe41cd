// A tuple, two clients and a key ring for the tests of cookie/. Everything is fixed, so a test whose chance
// of failing is 2^-24 fails always or never.
#pragma once

#include <array>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/cookie/cookie.hpp"

namespace synward::cookie {

inline constexpr std::uint64_t kSlotStart = 28'000'001 * kSlotMs;
inline constexpr std::uint64_t kNoon = kSlotStart + kSlotMs / 2;

template <wire::Family kFamily>
using FamilyConstant = std::integral_constant<wire::Family, kFamily>;
using Families = testing::Types<FamilyConstant<wire::Family::kIpv4>, FamilyConstant<wire::Family::kIpv6>>;
struct FamilyNames {
  template <typename T>
  static std::string GetName(int) {
    return T::value == wire::Family::kIpv4 ? "Ipv4" : "Ipv6";
  }
};

inline constexpr ClientOptions kLinux{
    .mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = true, .ecn = true};
inline constexpr ClientOptions kWindows{.mss = 1440, .window_scale = 8, .sack_permitted = true};

inline crypto::AesBlock test_master(std::uint8_t seed) {
  crypto::AesBlock key;
  for (std::uint8_t i = 0; i < 16; ++i) key.bytes[i] = std::byte(seed + 17 * i);
  return key;
}

inline KeyRing test_ring() { return KeyRing(std::array{Master{.key = test_master(1), .first = {0}}}); }

template <wire::Family kFamily>
struct Tuple {
  wire::Address<kFamily> client = address(1), service = address(10);
  wire::Port client_port{40'000}, service_port{443};
  wire::SeqNum client_isn{0x01020304u};

  [[nodiscard]] Message<kFamily> message() const {
    Message<kFamily> message;
    std::memset(&message, 0xa5, sizeof message);
    fill_message<kFamily>(message, client, service, client_port, service_port, client_isn);
    return message;
  }
  static wire::Address<kFamily> address(std::uint8_t last) {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return {{198, 18, 0, last}};
    } else {
      return {{0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}};
    }
  }
};

template <wire::Family kFamily>
Cookie mint(const SlotKeys& keys, const Tuple<kFamily>& tuple, const ClientOptions& offered) {
  const Message<kFamily> message = tuple.message();
  Cookie cookie{};
  make_cookies<kFamily>(keys, &message, &offered, &cookie, 1);
  return cookie;
}

template <wire::Family kFamily>
std::optional<Admission> check(const SlotKeys& keys, const Message<kFamily>& message, const CookieAck& ack) {
  std::optional<Admission> admission;
  check_cookies<kFamily>(keys, &message, &ack, &admission, 1);
  return admission;
}
template <wire::Family kFamily>
std::optional<Admission> check(const SlotKeys& keys, const Tuple<kFamily>& tuple, const CookieAck& ack) {
  return check<kFamily>(keys, tuple.message(), ack);
}

/// The ACK of a client that offered `offered` and got `cookie`.
inline CookieAck ack_of(const Cookie& cookie, const ClientOptions& offered) {
  return {.isn = cookie.isn, .tsecr = offered.timestamps ? std::optional{cookie.tsval} : std::nullopt};
}

}  // namespace synward::cookie
