// The link below a trial: ARP (RFC 826) and neighbour discovery (RFC 4861) for a port that no kernel serves.
// It answers for every address that clients and attack come from, so that a target on the same link can say
// something to any of them, and asks for the target.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "bench/load/rails.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::load {

/// No frame of ask_for() or answer_for() is longer.
inline constexpr std::size_t kMaxNeighborBytes = 14 + 40 + 32;

/// Who has `address`? From `mac` with `source`, of the same family. Returns the part of `out` that was
/// written.
[[nodiscard]] std::span<const std::byte> ask_for(const IpAddress& address, const IpAddress& source,
                                                 const wire::MacAddress& mac,
                                                 std::span<std::byte, kMaxNeighborBytes> out);

/// The address that `frame` asks for; nullopt when it asks for nothing.
[[nodiscard]] std::optional<IpAddress> asked_for(std::span<const std::byte> frame);
/// What answers `frame`, which asks for an address of ours: it is at `mac`.
[[nodiscard]] std::span<const std::byte> answer_for(std::span<const std::byte> frame,
                                                    const wire::MacAddress& mac,
                                                    std::span<std::byte, kMaxNeighborBytes> out);

/// The MAC address that `frame` tells for `address`; nullopt when it tells none.
[[nodiscard]] std::optional<wire::MacAddress> told_by(std::span<const std::byte> frame,
                                                      const IpAddress& address);

}  // namespace synward::load
