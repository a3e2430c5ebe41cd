// Every packet that a target sends is traced as well: `synward trace` reads whatever comes, too.
#pragma once

#include <memory>
#include <span>

#include "dataplane/trace.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::fuzz {

/// Of the one lab that runs; made once, for a fuzzer makes thousands a second.
inline TraceTap& tap() {
  static const auto made = std::make_unique<TraceTap>(TraceFilter{});
  return *made;
}

/// Takes the samples of a burst: one of each frame, as it was sent.
inline void expect_samples(std::span<const test::Bytes> sent) {
  for (const test::Bytes& frame : sent) {
    const TraceRecord* const record = tap().front();
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->frame.bytes, frame.size());
    EXPECT_TRUE(
        std::ranges::equal(record->frame.kept(), std::span{frame}.first(record->frame.kept().size())));
    tap().pop();
  }
  EXPECT_EQ(tap().front(), nullptr);
}

}  // namespace synward::fuzz
