// What backends sent last in connections that are in no table: those that are older than synward, or whose
// SYN passed. When the client's numbers agree with them, the connection is adopted.
//
// Threat model. Only frames from the inside write here, and a newer one takes the place of an older: whoever
// opens many such connections makes synward adopt fewer of them, and slower. To have a connection adopted
// that is not, a client's segment must name numbers near to those that the backend sent it: a stranger
// guesses both with 2^-14, and wins an entry of its own tuple, which translates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/proxy/connection_splice.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::proxy {

/// One core's. A flow is a 64-bit keyed hash of it.
class BackendMemory {
 public:
  /// What the backend's last segment said of both directions.
  struct Numbers {
    wire::SeqNum next;  ///< behind what it sent
    wire::SeqNum ack;   ///< up to which it has the client's
  };
  static constexpr std::uint32_t kMostMs = 60'000;

  void remember(std::uint64_t flow, const Numbers& numbers, std::uint64_t mono_ms) {
    seen_[flow % kEntries] = {tag_of(flow), static_cast<std::uint32_t>(mono_ms), numbers};
  }
  /// Nothing when its backend was silent for kMostMs, or others took its place.
  [[nodiscard]] std::optional<Numbers> recall(std::uint64_t flow, std::uint64_t mono_ms) const {
    const Seen& seen = seen_[flow % kEntries];
    const bool is_it = seen.tag == tag_of(flow) && static_cast<std::uint32_t>(mono_ms) - seen.ms <= kMostMs;
    return is_it ? std::optional{seen.numbers} : std::nullopt;
  }
  void forget(std::uint64_t flow) {
    if (seen_[flow % kEntries].tag == tag_of(flow)) seen_[flow % kEntries].tag = 0;
  }

 private:
  static constexpr std::size_t kEntries = 4096;  // 64 KiB
  struct Seen {
    std::uint32_t tag = 0, ms = 0;
    Numbers numbers{wire::SeqNum{0}, wire::SeqNum{0}};
  };
  static constexpr std::uint32_t tag_of(std::uint64_t flow) {
    return static_cast<std::uint32_t>(flow >> 32) | 1;
  }

  std::array<Seen, kEntries> seen_{};
};

/// Which options the SYNs asked for that passed a moment ago: without the question, a SYN-ACK's silence is no
/// answer. One core's; a newer one takes the place of an older.
class PassedSyns {
 public:
  /// `options`: an OptionSet.
  /// Of two SYNs of one flow, the backend may answer either: what both asked for was asked.
  void remember(std::uint64_t flow, std::uint8_t options) {
    if (const auto before = recall(flow)) options &= *before;
    seen_[flow % kEntries] = {static_cast<std::uint32_t>(flow >> 32), options, true};
  }
  [[nodiscard]] std::optional<std::uint8_t> recall(std::uint64_t flow) const {
    const Seen& seen = seen_[flow % kEntries];
    const bool is_it = seen.used && seen.tag == static_cast<std::uint32_t>(flow >> 32);
    return is_it ? std::optional{seen.options} : std::nullopt;
  }

 private:
  static constexpr std::size_t kEntries = 256;
  struct Seen {
    std::uint32_t tag = 0;
    std::uint8_t options = 0;
    bool used = false;
  };
  std::array<Seen, kEntries> seen_{};
};

/// How a client's segment of a connection that nobody knows stands to what its backend sent.
enum class Agreement : std::uint8_t {
  kAgrees,    ///< both directions: a connection that synward did not translate
  kMistaken,  ///< it is about the same bytes of the client's, and about others of the backend's: a connection
              ///< that a synward before this one translated, and that nobody can translate any more
  kUnrelated,
};
[[nodiscard]] inline Agreement agreement(const BackendMemory::Numbers& backend, wire::SeqNum seq,
                                         wire::SeqNum ack) {
  constexpr std::uint32_t kWindow = 1u << 16;
  if (is_near(seq, backend.ack) && is_near(ack, backend.next)) return Agreement::kAgrees;
  return wire::in_window(seq, backend.ack, kWindow) ? Agreement::kMistaken : Agreement::kUnrelated;
}

}  // namespace synward::proxy
