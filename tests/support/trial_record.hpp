// Records of trials that never ran, for tests of what is made of them.
#pragma once

#include <cstdint>

#include "bench/load/trial/record.hpp"

namespace synward::test {

inline constexpr std::uint64_t kSecondUs = 1'000'000;

[[nodiscard]] inline load::ClientRecord succeeded(std::uint64_t intended_us, std::uint32_t syn_ack_us,
                                                  std::uint8_t syns = 1) {
  return {.intended_us = intended_us,
          .syn_ack_us = syn_ack_us,
          .syns = syns,
          .outcome = load::Outcome::kSucceeded,
          .closed = true};
}

[[nodiscard]] inline load::ClientRecord failed(std::uint64_t intended_us, load::Outcome outcome) {
  return {.intended_us = intended_us, .syns = 4, .outcome = outcome};
}

/// Two seconds of each phase. In each second ten clients: all fine in the baseline, after 1 to 10 ms; in the
/// attack half of them fail, and of the others one took two SYNs; all fine in the recovery. A thousand SYNs a
/// second in the attack, of which 900 are answered, and the last 100 in the recovery.
[[nodiscard]] inline load::Record trial_record() {
  using load::Outcome;
  load::Record record;
  record.timeline = {2 * kSecondUs, 2 * kSecondUs, 2 * kSecondUs};
  record.samples.emplace_back();
  for (std::uint64_t second = 0; second < 6; ++second) {
    const bool attack = second == 2 || second == 3;
    for (std::uint32_t n = 0; n < 10; ++n) {
      const std::uint64_t intended_us = second * kSecondUs + n * 100'000;
      if (attack && n >= 5) {
        record.clients.push_back(failed(intended_us, n < 8 ? Outcome::kNoSynAck : Outcome::kReset));
      } else if (attack && n == 4) {
        record.clients.push_back(succeeded(intended_us, 1'004'000, 2));
      } else {
        record.clients.push_back(succeeded(intended_us, 1000 * (n + 1)));
      }
    }
    load::Sample sample = record.samples.back();
    sample.at_us = (second + 1) * kSecondUs;
    sample.counts.sent += 40;
    sample.counts.received += 30;
    if (attack) {
      sample.counts.sent += 1000;
      sample.counts.attack_due += 1000;
      sample.counts.attack_sent += 1000;
      sample.counts.syns_sent += 1000;
      sample.counts.syn_acks += 900;
    }
    if (second == 4) sample.counts.syn_acks += 100;
    record.samples.push_back(sample);
  }
  return record;
}

}  // namespace synward::test
