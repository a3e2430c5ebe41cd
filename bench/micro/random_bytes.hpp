// Bytes of frames, by chance: what the makers of traffic have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <vector>

#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::bench {

using Random = std::mt19937;
using Bytes = std::vector<std::byte>;

inline std::uint32_t below(Random& random, std::uint32_t n) {
  return static_cast<std::uint32_t>(std::uint64_t{random()} * n >> 32);
}

inline void append(Bytes& to, std::initializer_list<std::uint32_t> bytes) {
  for (const std::uint32_t byte : bytes) to.push_back(static_cast<std::byte>(byte));
}
template <wire::WireLayout T>
void append(Bytes& to, const T& header) {
  const auto bytes = std::as_bytes(std::span{&header, 1});
  to.insert(to.end(), bytes.begin(), bytes.end());
}

inline void append_mss(Bytes& to, Random& random) {
  constexpr std::uint16_t kCommon[] = {1460, 1460, 1460, 1452, 1440, 1400, 1380, 1360};
  const std::uint16_t mss = kCommon[below(random, 8)];
  append(to, {wire::TcpOptionKind::kMss, 4, std::uint32_t{mss} >> 8, mss});
}

/// Up to `room` bytes in any order, known and unknown kinds, with NOPs between them and anything twice.
inline void append_odd_option(Bytes& to, std::size_t room, Random& random) {
  using Kind = wire::TcpOptionKind;
  const std::uint32_t length = 2 + below(random, 7);
  switch (below(random, 6)) {
    case 0:
      if (room >= 4) return append_mss(to, random);
      break;
    case 1:
      if (room >= 3) return append(to, {Kind::kWindowScale, 3, below(random, 15)});
      break;
    case 2:
      if (room >= 2) return append(to, {Kind::kSackPermitted, 2});
      break;
    case 3:
      if (room >= 10) {
        append(to, {Kind::kTimestamps, 10});
        for (int i = 0; i < 8; ++i) append(to, {below(random, 256)});
        return;
      }
      break;
    case 4:
      if (room >= length) {
        append(to, {64 + below(random, 128), length});
        to.resize(to.size() + length - 2);
        return;
      }
      break;
    default:
      break;
  }
  append(to, {Kind::kNop});
}

/// As many bytes of options as TCP has room for.
inline Bytes odd_options(Random& random) {
  Bytes options;
  while (options.size() < wire::kMaxTcpOptionBytes)
    append_odd_option(options, wire::kMaxTcpOptionBytes - options.size(), random);
  return options;
}

/// Nobody's address in particular.
template <wire::Family kFamily>
wire::Address<kFamily> client(Random& random) {
  wire::Address<kFamily> address;
  for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random());
  if constexpr (kFamily == wire::Family::kIpv4)
    address.bytes[0] = static_cast<std::uint8_t>(11 + below(random, 100));
  else
    address.bytes[0] = 0x24;
  return address;
}

}  // namespace synward::bench
