// The promise of dataplane/proxy/backend_profiles.hpp that everything else rests on: what was said for a slot
// is said for as long as a cookie of that slot lives, whatever is learned and whoever learns it.
#include <array>
#include <atomic>
#include <barrier>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/proxy/profiles_fixture.hpp"

namespace synward::proxy {
namespace {

using cookie::kSkewMs;
using cookie::kSlotMs;

Answer random_answer(std::mt19937& random) { return static_cast<Answer>(random() % 3); }

/// Backends answer much the same most of the time.
SynAckFacts random_facts(std::mt19937& random) {
  constexpr std::array<std::uint16_t, 4> kMss{1460, 1460, 1452, 536}, kWindow{65160, 65160, 64240, 8192};
  return {.mss = kMss[random() % 4],
          .window = kWindow[random() % 4],
          .scaling = random_answer(random),
          .scale = static_cast<std::uint8_t>(random() % 8 == 0 ? random() % 15 : 7),
          .sack = random_answer(random),
          .timestamps = random_answer(random),
          .ecn = random_answer(random)};
}

/// Every promise that was made, and until when it must be kept.
class Recorder {
 public:
  void expect_kept(const OneBackend& backend, std::uint64_t wall_ms) {
    std::erase_if(made_, [&](const auto& row) {
      return wall_ms >= (std::uint64_t{row.first} + 2) * kSlotMs + kSkewMs;
    });
    for (const auto& [slot, promise] : made_) ASSERT_EQ(backend.promise(slot), promise) << slot;
  }
  /// Returns whether it is unlike the promise of the slot before.
  bool note(std::uint32_t slot, const Promise& promise) {
    made_.emplace(slot, promise);
    const auto before = made_.find(slot - 1);
    return before != made_.end() && before->second != promise;
  }

 private:
  std::map<std::uint32_t, Promise> made_;
};

class Frozen : public testing::TestWithParam<std::uint32_t> {};
TEST_P(Frozen, APromiseIsKeptUntilItsCookiesExpireOnClocksThatDiffer) {
  std::mt19937 random{GetParam()};
  const std::uint64_t first_slot =
      std::array<std::uint64_t, 4>{27'500'000, (27u << 20) - 20, (1u << 16) - 20, 1'000}[GetParam() % 4];
  const std::uint32_t pause_ms = std::array<std::uint32_t, 3>{2'000, 20'000, 150'000}[GetParam() % 3];
  OneBackend backend;
  Recorder recorder;
  int changes = 0;
  for (std::uint64_t step = 0, wall_ms = first_slot * kSlotMs; step < 4'000; ++step) {
    wall_ms += random() % pause_ms;
    const std::uint64_t core_ms = wall_ms - kSkewMs / 2 + random() % (kSkewMs + 1);
    const std::uint32_t slot = cookie::slot_at(core_ms).number;
    if (random() % 3 != 0) backend.learn(random_facts(random), slot);
    recorder.expect_kept(backend, wall_ms);
    if (HasFatalFailure()) FAIL() << "at step " << step;
    if (const auto promise = backend.promise(slot)) changes += recorder.note(slot, *promise) ? 1 : 0;
  }
  EXPECT_GT(changes, 3);
}
INSTANTIATE_TEST_SUITE_P(Trap39, Frozen, testing::Range(0u, 24u));

std::uint64_t number_of(const Promise& promise) {
  return std::uint64_t{promise.mss} << 32 | std::uint64_t{promise.window} << 16 |
         std::uint64_t{promise.window_scale.value_or(15)} << 8 | (promise.sack ? 4u : 0u) |
         (promise.timestamps ? 2u : 0u) | (promise.ecn ? 1u : 0u);
}

TEST(FrozenPromise, IsTheSameForAllThreadsThatLearnAndAskInASlot) {
  constexpr std::uint32_t kStart = 5'000, kSlots = 200;
  constexpr int kThreads = 3;
  OneBackend backend;
  std::array<std::atomic<std::uint64_t>, kSlots> promised{};
  std::atomic<int> broken{0};
  std::barrier slot_over{kThreads};
  const auto work = [&](unsigned seed) {
    std::mt19937 random{seed};
    for (std::uint32_t n = 0; n < kSlots; ++n) {
      for (int i = 0; i < 60; ++i) {
        const std::uint32_t asked = n > 0 && random() % 2 == 0 ? n - 1 : n;
        const auto index =
            backend.profiles.learn<kIpv4>(backend.address, backend.port, random_facts(random), {kStart + n});
        const auto promise = backend.profiles.promise(index, {kStart + asked});
        if (!promise) continue;
        std::uint64_t expected = 0;
        const std::uint64_t number = number_of(*promise);
        if (!promised[asked].compare_exchange_strong(expected, number) && expected != number) ++broken;
      }
      slot_over.arrive_and_wait();
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned seed = 0; seed < kThreads; ++seed) threads.emplace_back(work, seed);
  threads.clear();
  EXPECT_EQ(broken, 0);
  std::set<std::uint64_t> different;
  for (const auto& promise : promised) different.insert(promise);
  EXPECT_GT(different.size(), 3u);
}

TEST(BackendProfilesOfManyThreads, HaveEachBackendOnce) {
  constexpr std::uint16_t kBackends = 500;
  for (std::uint64_t round = 0; round < 20; ++round) {
    BackendProfiles profiles{table::random_secret(round), 1024};
    std::atomic<unsigned> arrived{0};
    const auto work = [&](unsigned seed) {
      std::mt19937 random{seed};
      for (std::uint16_t n = 1; n <= kBackends; ++n) {
        ++arrived;
        while (arrived < 2u * n) std::this_thread::yield();  // both come with the same new backend at once
        // Who is told that another one is adding it comes again, as the next SYN-ACK would.
        while (profiles.learn<kIpv4>({{198, 18, 0, 1}}, wire::Port{n}, with_mss(n), {9}) == kNone) continue;
        const auto asked = wire::Port{static_cast<std::uint16_t>(1 + random() % n)};
        const auto found = profiles.promise(profiles.find<kIpv4>({{198, 18, 0, 1}}, asked), {9});
        EXPECT_TRUE(found && found->mss == asked.host());
      }
    };
    {
      const std::jthread other{work, 1};
      work(2);
    }
    std::set<std::uint16_t> ports;
    profiles.for_each({9}, 0, [&](const BackendReading& reading) {
      EXPECT_TRUE(ports.insert(reading.port.host()).second);
    });
    ASSERT_EQ(ports.size(), kBackends);
    ASSERT_EQ(profiles.size(), kBackends);
    ASSERT_EQ(profiles.unplaced(), 0u);
  }
}

}  // namespace
}  // namespace synward::proxy
