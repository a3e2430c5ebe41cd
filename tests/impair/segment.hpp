// What a frame carries, as far as the impairment device tells frames apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/enum_table.hpp"

namespace synward::impair {

/// A TCP segment is of the first kind that fits, in this order: RST, SYN-ACK, SYN, FIN, data, ACK.
enum class Kind : std::uint8_t { kSyn, kSynAck, kAck, kData, kFin, kRst, kCount };

inline constexpr Table<Kind> kKinds{{
    {Kind::kSyn, "syn", "SYN without ACK, with text or without"},
    {Kind::kSynAck, "syn-ack", "SYN and ACK"},
    {Kind::kAck, "ack", "ACK alone: no text"},
    {Kind::kData, "data", "text, and neither SYN, FIN nor RST"},
    {Kind::kFin, "fin", "FIN, with text or without"},
    {Kind::kRst, "rst", "RST, whatever else"},
}};
static_assert(rows_in_enum_order(kKinds));

/// The IPv4 or IPv6 packet in `frame`, behind up to two VLAN tags and without the padding; empty when there
/// is none, or its header claims what cannot be.
[[nodiscard]] std::span<const std::byte> ip_packet(std::span<const std::byte> frame);

/// Nullopt for everything but a whole TCP segment: a fragment of one counts as something else. Checksums are
/// not looked at.
[[nodiscard]] std::optional<Kind> kind_of(std::span<const std::byte> frame);

}  // namespace synward::impair
