// What the targets that run a pipeline have in common: an expectation that fails ends the fuzzer, and at its
// end it says which rows it never reached.
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/support/pipeline_lab.hpp"

namespace synward::fuzz {
namespace {

/// For whoever wonders whether the target passes the gates.
void tell_what_was_not_reached() {
  const auto tell = [](const auto& table) {
    for (const auto& row : table) {
      if (test::PipelineLab::seen()[row.value] == 0)
        std::fprintf(stderr, "not reached: %.*s\n", static_cast<int>(row.label.size()), row.label.data());
    }
  };
  tell(kRouteTable);
  tell(kDropTable);
  tell(kEventTable);
}

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  testing::InitGoogleTest(argc, *argv);
  testing::GTEST_FLAG(throw_on_failure) = true;  // and an exception ends the fuzzer with the input kept
  synward::test::PipelineLab::seen();            // made before, so destroyed behind, the handler
  return std::atexit(synward::fuzz::tell_what_was_not_reached);
}
