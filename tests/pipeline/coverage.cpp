// When all of this program's tests have run: every route, drop reason and event that the pipeline can give
// was given. A row that no frame reaches is dead, or untested.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/pipeline_lab.hpp"

namespace synward::test {
namespace {

template <typename Enum>
void expect_all_reached(const Table<Enum>& table, std::initializer_list<Enum> elsewhere) {
  for (const auto& row : table) {
    const bool not_here = std::find(elsewhere.begin(), elsewhere.end(), row.value) != elsewhere.end();
    EXPECT_NE(PipelineLab::seen()[row.value] != 0, not_here) << row.label;
  }
}

class Coverage : public testing::Environment {
 public:
  void TearDown() override {
    const auto& run = *testing::UnitTest::GetInstance();
    if (run.test_to_run_count() != run.total_test_count()) return;  // a filter is at work
    // These have rings, queues and mbufs: tests/worker reaches them.
    expect_all_reached<Drop>(kDropTable, {Drop::kNone, Drop::kNotLinear, Drop::kSteerFull, Drop::kTxFull});
    if (simd::supported_isas().size() > 1) {
      expect_all_reached<Route>(kRouteTable, {});
    } else {
      expect_all_reached<Route>(kRouteTable, {Route::kCommonSyn4, Route::kCommonSyn6});
    }
    expect_all_reached<Event>(kEventTable, {});
  }
};

[[maybe_unused]] const auto* const kCoverage = testing::AddGlobalTestEnvironment(new Coverage);

}  // namespace
}  // namespace synward::test
