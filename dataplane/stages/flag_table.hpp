// What a segment's flags make of it: 64 cells, decided once, at compile time.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/drop.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward {

enum class SegmentKind : std::uint8_t { kDropped, kSyn, kSegment };

struct FlagVerdict {
  SegmentKind kind;
  Drop reason;  ///< for kDropped
};

namespace detail {

/// The first row whose flags under `mask` equal `flags` decides. PSH and URG never do, nor, here, ECE and
/// CWR: RFC 9293 gives them no part in the choice of a state's event.
struct FlagRow {
  std::uint8_t mask, flags;
  FlagVerdict verdict;
};

inline constexpr std::uint8_t kFin = wire::TcpFlags::kFin, kSyn = wire::TcpFlags::kSyn,
                              kRst = wire::TcpFlags::kRst, kPsh = wire::TcpFlags::kPsh,
                              kAck = wire::TcpFlags::kAck, kUrg = wire::TcpFlags::kUrg;

inline constexpr FlagRow kFlagRows[] = {
    {0x3f, 0, {SegmentKind::kDropped, Drop::kNoFlags}},
    {0x3f, kFin | kPsh | kUrg, {SegmentKind::kDropped, Drop::kXmas}},
    {kSyn | kFin,
     kSyn | kFin,
     {SegmentKind::kDropped, Drop::kSynFin}},  // no legal sender: T/TCP (RFC 1644) is historic
    {kSyn | kRst, kSyn | kRst, {SegmentKind::kDropped, Drop::kSynRst}},
    {kFin | kRst, kFin | kRst, {SegmentKind::kDropped, Drop::kFinRst}},
    {kSyn | kAck,
     kSyn | kAck,
     {SegmentKind::kDropped, Drop::kSynAck}},            // 3.10.7.2, second: a service only listens
    {kSyn, kSyn, {SegmentKind::kSyn, Drop::kNone}},      // 3.10.7.2, third
    {kRst, kRst, {SegmentKind::kSegment, Drop::kNone}},  // 3.10.7.4, second
    {kAck, kAck, {SegmentKind::kSegment, Drop::kNone}},  // 3.10.7.4, fifth
};

[[nodiscard]] constexpr FlagVerdict decide(std::uint8_t flags) {
  for (const FlagRow& row : kFlagRows) {
    if ((flags & row.mask) == row.flags) return row.verdict;
  }
  return {SegmentKind::kDropped,
          Drop::kNoAck};  // 3.10.7.4, fifth: "if the ACK bit is off, drop the segment and return"
}

}  // namespace detail

/// Indexed by the low six flag bits (RFC 9293 3.1).
inline constexpr std::array<FlagVerdict, 64> kFlagTable = [] {
  std::array<FlagVerdict, 64> table{};
  for (std::uint8_t flags = 0; flags < 64; ++flags) table[flags] = detail::decide(flags);
  return table;
}();

}  // namespace synward
