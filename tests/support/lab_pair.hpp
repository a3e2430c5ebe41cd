// Two laboratories that meet the same frames, one with kernels and one without: the same verdicts, the same
// bytes, the same counters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/pipeline_lab.hpp"
#include "tests/support/syn_maker.hpp"

namespace synward::test {

inline std::string hex(const Bytes& frame) {
  std::string text;
  for (const std::byte byte : frame) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<std::size_t>(byte) >> 4];
    text += kDigits[std::to_integer<std::size_t>(byte) & 15];
  }
  return text;
}

/// What two labs that met the same frames have counted differently; empty: nothing. How a SYN was recognised
/// may differ.
inline std::string difference(const CounterReading& got, const CounterReading& wanted) {
  std::string differs;
  const auto compare = [&differs](std::string_view label, std::uint64_t a, std::uint64_t b) {
    if (a != b)
      differs += std::string{label} + ": " + std::to_string(a) + " instead of " + std::to_string(b) + "; ";
  };
  for (const auto& row : kDropTable) compare(row.label, got[row.value], wanted[row.value]);
  for (const auto& row : kEventTable) compare(row.label, got[row.value], wanted[row.value]);
  for (const auto& row : kRouteTable) {
    if (row.value > Route::kSyn6) compare(row.label, got[row.value], wanted[row.value]);
  }
  compare("SYNs over IPv4", got[Route::kCommonSyn4] + got[Route::kSyn4],
          wanted[Route::kCommonSyn4] + wanted[Route::kSyn4]);
  compare("SYNs over IPv6", got[Route::kCommonSyn6] + got[Route::kSyn6],
          wanted[Route::kCommonSyn6] + wanted[Route::kSyn6]);
  return differs;
}

/// What differs between two outcomes of the same frame; empty: nothing.
inline std::string difference(const Outcome& got, const Outcome& wanted) {
  const auto name = [](const Outcome& outcome) {
    return std::string{kRouteTable[std::size_t(outcome.verdict)].label} + " " +
           std::string{kDropTable[std::size_t(outcome.reason)].label};
  };
  if (got.verdict != wanted.verdict || got.reason != wanted.reason)
    return name(got) + " instead of " + name(wanted);
  if (got.frame.size() != wanted.frame.size())
    return std::to_string(got.frame.size()) + " bytes instead of " + std::to_string(wanted.frame.size());
  const auto [at, end] = std::ranges::mismatch(got.frame, wanted.frame);
  return at == got.frame.end() ? "" : "byte " + std::to_string(at - got.frame.begin());
}

/// A lab with the kernels of one instruction set, and one with the stages alone.
struct LabPair {
  LabPair(simd::Isa isa, const std::vector<service::Service>& services, PipelineLab::Mode mode)
      : fast{services, 100, 16, mode}, reference{services, 100, 16, mode} {
    fast.core.kernels = simd::kernels_of(isa);
    reference.core.kernels = nullptr;
  }
  /// Which SYNs pass for the backend's own answer depends on their order, which the kernels change: from now
  /// on, until the time is set, none does.
  void let_none_pass() {
    for (CoreState* core : {&fast.core, &reference.core}) {
      while (core->asking_syns.take(core->now.mono_ms)) continue;
      while (core->asking_again.take(core->now.mono_ms / kAskingAgainSeconds)) continue;
      while (core->asking_options.take(core->now.mono_ms)) continue;
    }
  }
  /// What the backends at kTaughtPort say.
  void teach(const proxy::SynAckFacts& facts) {
    const wire::Port port{kTaughtPort};
    const auto slot = cookie::slot_at(kStartMs);
    for (PipelineLab* lab : {&fast, &reference}) {
      lab->profiles.learn<wire::Family::kIpv4>(kService4, port, facts, slot);
      lab->profiles.learn<wire::Family::kIpv6>(kService6, port, facts, slot);
    }
  }
  /// One burst by both ways. Says what differs, of a lane or of what is counted afterwards; empty: nothing.
  /// Into `outcomes`, unless that is null, go those of both.
  [[nodiscard]] std::string run(const std::vector<Bytes>& frames, std::uint16_t port = 0,
                                std::vector<Outcome>* outcomes = nullptr) {
    auto got = fast.run(frames, false, port);
    const auto wanted = reference.run(frames, false, port);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (const auto differs = difference(got[i], wanted[i]); !differs.empty())
        return "lane " + std::to_string(i) + " of " + std::to_string(frames.size()) + ", " + hex(frames[i]) +
               ": " + differs;
    }
    if (outcomes != nullptr) *outcomes = std::move(got);
    return difference(read(fast.core.counters), read(reference.core.counters));
  }
  /// What both sent beside the frames that came; nothing at all when that is not the same.
  [[nodiscard]] std::optional<std::vector<PipelineLab::Sent>> take_sent() {
    auto sent = fast.take_originated();
    const auto same = [](const auto& a, const auto& b) { return a.port == b.port && a.bytes == b.bytes; };
    if (!std::ranges::equal(sent, reference.take_originated(), same) ||
        !std::ranges::equal(fast.take_released(), reference.take_released(), same))
      return std::nullopt;
    return sent;
  }
  void set_time(std::uint64_t wall_ms) {
    fast.set_time(wall_ms);
    reference.set_time(wall_ms);
  }
  PipelineLab fast, reference;
};

}  // namespace synward::test
