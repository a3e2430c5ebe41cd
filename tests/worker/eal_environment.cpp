// EAL once per process, as anybody may start it: no root, no huge pages, no PCI; three lcores on two
// processors.
#include <array>
#include <stdexcept>

#include <gtest/gtest.h>
#include <rte_eal.h>

namespace synward::test {
namespace {

class EalEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    static std::array<char*, 10> arguments{const_cast<char*>("worker_test"),
                                           const_cast<char*>("--no-huge"),
                                           const_cast<char*>("--no-shconf"),
                                           const_cast<char*>("--no-pci"),
                                           const_cast<char*>("--no-telemetry"),
                                           const_cast<char*>("-m"),
                                           const_cast<char*>("256"),
                                           const_cast<char*>("--lcores"),
                                           const_cast<char*>("0@0,1@0,2@1"),
                                           const_cast<char*>("--log-level=error")};
    if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
      throw std::runtime_error{"EAL"};
  }
  void TearDown() override { rte_eal_cleanup(); }
};

const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new EalEnvironment);

}  // namespace
}  // namespace synward::test
