// What one core counts of each service. As in Counters, the core writes and anyone reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dataplane/counters.hpp"

namespace synward {

struct ServiceCounters {
  Counter syns, cookies_valid, cookies_bad;
};

/// All of them. `label` and `help` as in enum_table.hpp.
struct ServiceCounterRow {
  Counter ServiceCounters::*counter;
  std::string_view label, help;
};
inline constexpr auto kServiceCounterTable = std::to_array<ServiceCounterRow>({
    {&ServiceCounters::syns, "syns", "SYNs that came to the service, answered or not"},
    {&ServiceCounters::cookies_valid, "cookies_valid", "connections that a cookie opened"},
    {&ServiceCounters::cookies_bad, "cookies_bad",
     "segments of no connection that carried no cookie of ours, and ended"},
});

/// By ServiceId. None ever moves: others read while there come to be more.
class CountersOfServices {
 public:
  /// The control thread, before the core or anyone else asks for one behind those that there are.
  void reserve(std::size_t services) {
    for (std::size_t chunk = 0; chunk * kChunk < services; ++chunk) {
      if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<Chunk>();
    }
  }
  [[nodiscard]] ServiceCounters& operator[](std::size_t id) { return (*chunks_[id / kChunk])[id % kChunk]; }
  [[nodiscard]] const ServiceCounters& operator[](std::size_t id) const {
    return (*chunks_[id / kChunk])[id % kChunk];
  }

 private:
  static constexpr std::size_t kChunk = 1024;
  using Chunk = std::array<ServiceCounters, kChunk>;
  std::array<std::unique_ptr<Chunk>, 64> chunks_;
};

}  // namespace synward
