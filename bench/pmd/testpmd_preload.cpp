// Loaded into dpdk-testpmd by LD_PRELOAD, so that it gets the frames that synward gets and is measured as
// synward is: when its port has started, the wire is filled, the source is put before it, and a thread looks
// at the port's counts. Nothing of testpmd's forwarding changes.
//
// SYNWARD_PMD_MILLISECONDS: how long to measure. SYNWARD_PMD_SOURCE=none: without the source.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <thread>

#include <rte_ethdev.h>

#include "bench/pmd/meter.hpp"
#include "bench/pmd/syn_source.hpp"

namespace synward::bench {
namespace {

void report(std::uint16_t port) {
  const char* const time = std::getenv("SYNWARD_PMD_MILLISECONDS");
  try {
    const auto passage =
        measure(port, std::chrono::milliseconds{std::strtol(time ? time : "1000", nullptr, 10)});
    std::fputs(as_line(passage).c_str(), stderr);
  } catch (const std::exception& error) {
    std::fputs(as_line({}, error.what()).c_str(), stderr);
  }
}

/// The process ends by testpmd's will, with the port: nothing here is taken down.
void begin(std::uint16_t port) {
  const char* const source = std::getenv("SYNWARD_PMD_SOURCE");
  if (source == nullptr || std::strcmp(source, "none") != 0) new SynSource{port};
  fill_wire(port);
  std::thread{report, port}.detach();
}

}  // namespace
}  // namespace synward::bench

/// In the place of ethdev's own, which it calls.
int rte_eth_dev_start(std::uint16_t port) {
  static const auto kStart =
      reinterpret_cast<decltype(&rte_eth_dev_start)>(dlsym(RTLD_NEXT, "rte_eth_dev_start"));
  const int result = kStart(port);
  try {
    if (result == 0) synward::bench::begin(port);
  } catch (const std::exception& error) {
    std::fputs(synward::bench::as_line({}, error.what()).c_str(), stderr);
  }
  return result;
}
