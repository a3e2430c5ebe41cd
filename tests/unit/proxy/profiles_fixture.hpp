// A table of backends, and SYN-ACKs to learn from.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/proxy/backend_profiles.hpp"
#include "tests/support/addresses.hpp"
#include "tests/unit/table/table_fixture.hpp"

namespace synward::proxy {

constexpr auto kIpv4 = wire::Family::kIpv4;
constexpr auto kIpv6 = wire::Family::kIpv6;
constexpr auto kNone = BackendProfiles::kNone;
using cookie::Slot;

constexpr std::uint32_t kNow = 27'500'000;  // a slot

/// As Linux answers who offers everything.
constexpr SynAckFacts kLinux{.mss = 1460,
                             .window = 65160,
                             .scaling = Answer::kAgreed,
                             .scale = 7,
                             .sack = Answer::kAgreed,
                             .timestamps = Answer::kAgreed,
                             .ecn = Answer::kAgreed};
constexpr Promise kLinuxPromise{.mss = 1460,
                                .window = 65160,
                                .window_scale = 7,
                                .sack = true,
                                .timestamps = true,
                                .ecn = true,
                                .known = 15};

inline SynAckFacts with_mss(std::uint16_t mss) {
  SynAckFacts facts = kLinux;
  facts.mss = mss;
  return facts;
}

/// One table and one backend.
struct OneBackend {
  explicit OneBackend(std::size_t capacity = 16) : profiles{table::random_secret(39), capacity} {}
  void learn(const SynAckFacts& facts, std::uint32_t slot) {
    index = profiles.learn<kIpv4>(address, port, facts, {slot});
  }
  [[nodiscard]] std::optional<Promise> promise(std::uint32_t slot) const {
    return profiles.promise(profiles.find<kIpv4>(address, port), {slot});
  }
  [[nodiscard]] int mss(std::uint32_t slot) const {
    const auto promised = promise(slot);
    return promised ? promised->mss : -1;
  }
  BackendProfiles profiles;
  wire::Ipv4Address address = test::ip4("198.18.0.10");
  wire::Port port{443};
  BackendProfiles::Index index = kNone;
};

}  // namespace synward::proxy
