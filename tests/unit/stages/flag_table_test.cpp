// Mirrors dataplane/stages/flag_table.hpp: the table, held against RFC 9293 in other words.
#include "dataplane/stages/flag_table.hpp"

#include <gtest/gtest.h>

namespace synward {
namespace {

using wire::TcpFlags;

TEST(FlagTable, LetsInASynWithoutFinRstAckAndASegmentWithAckOrRst) {
  for (std::uint8_t flags = 0; flags < 64; ++flags) {
    const bool fin = flags & TcpFlags::kFin, syn = flags & TcpFlags::kSyn, rst = flags & TcpFlags::kRst,
               ack = flags & TcpFlags::kAck;
    const bool is_syn = syn && !fin && !rst && !ack;
    const bool is_segment = !syn && ((rst && !fin) || (ack && !rst));
    const FlagVerdict cell = kFlagTable[flags];
    EXPECT_EQ(cell.kind == SegmentKind::kSyn, is_syn) << int{flags};
    EXPECT_EQ(cell.kind == SegmentKind::kSegment, is_segment) << int{flags};
    EXPECT_EQ(cell.reason == Drop::kNone, is_syn || is_segment) << int{flags};
  }
}

}  // namespace
}  // namespace synward
