// What clients send to the pipeline, and how it must end: a figure of a benchmark whose packets took another
// path is no figure.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/micro/core.hpp"
#include "bench/micro/frames.hpp"

namespace synward::bench {

struct Traffic {
  const std::vector<Stamp>& stamps;
  /// How many packets have ended as they must.
  std::function<std::uint64_t(const CounterReading&)> ended;
  /// Once, before the first pass.
  std::function<void(Core&)> begin = [](Core&) {};
  /// Before each pass over a restored set: the core meets these packets as it did the first time.
  std::function<void(Core&, const FrameSet&)> prepare = [](Core&, const FrameSet&) {};
  Core::Mode mode = Core::Mode::kEndpoint;  ///< of the core that it is for
  std::uint16_t port = 0;                   ///< by which it comes
};

/// Every one is answered.
[[nodiscard]] Traffic syns(wire::Family family, Layout layout);
/// The same from Linux, while SYNs of a client prefix that sends none of these are limited.
[[nodiscard]] Traffic syns_beside_limited(wire::Family family);
/// The same, while the core is far behind: one of Overload::kLuckyOf is answered, the others are shed.
[[nodiscard]] Traffic syns_too_many(wire::Family family);
/// SYNs from Linux to `ports` ports of the family's service address from `first` on, at random. Good until
/// the next call.
[[nodiscard]] Traffic syns_to_ports(wire::Family family, std::uint16_t first, std::uint16_t ports);
/// `count` networks at random, none of which sends any of syns(family, Layout::kLinux).
[[nodiscard]] service::DropList strangers(wire::Family family, std::size_t count);
/// The /24 or /48 of each of these clients.
[[nodiscard]] service::DropList clients(wire::Family family);
/// Those SYNs at a core that has listed all their clients.
[[nodiscard]] Traffic syns_of_listed(wire::Family family);
/// Frames that classify() drops at its second look at them.
[[nodiscard]] Traffic foreign_frames();
/// Bare ACKs with valid cookies: every one opens a connection.
[[nodiscard]] Traffic cookie_acks(wire::Family family);
/// ACKs like these, of numbers at random: none has a cookie.
[[nodiscard]] Traffic forged_acks(wire::Family family);
/// kTextBytes in order on connections that are open: every one is acknowledged.
[[nodiscard]] Traffic texts(wire::Family family);
inline constexpr std::size_t kTextBytes = 64;

}  // namespace synward::bench
