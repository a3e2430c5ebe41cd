// SYNs of nobody: every frame is what some client's first segment looks like, from an address, a port and a
// sequence number drawn at random. A flood that repeats itself, or whose checksums are wrong, flatters
// whoever is flooded. Also the other segments that belong to no connection and make a host work: ACKs, RSTs,
// SYN-ACKs, without options, and with an acknowledgment number drawn at random.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <variant>

#include "bench/load/benchmark_range.hpp"
#include "dataplane/handshake/segment_builder.hpp"

namespace synward::load {

inline constexpr std::size_t kSynLayouts = 3;  // Linux, macOS, Windows
/// The longest: Ethernet, IPv6, TCP, macOS's options.
inline constexpr std::size_t kMaxSynBytes = 14 + 40 + 20 + 24;

struct Link {
  wire::MacAddress local, remote;
};

enum class FloodKind : std::uint8_t { kSyn, kAck, kRst, kSynAck };

/// Segments of one kind and family to one target. One thread.
template <wire::Family kFamily>
class SynFlood {
 public:
  SynFlood(const Target& target, const SourcePrefix& sources, const Link& link, std::uint64_t seed,
           FloodKind kind = FloodKind::kSyn);

  /// Writes the next segment, with correct checksums; returns the part of `out` that was written.
  std::span<std::byte> next(std::span<std::byte, kMaxSynBytes> out);

 private:
  struct Template {
    std::array<std::byte, kMaxSynBytes> frame;
    std::size_t bytes;
    std::size_t tsval_at;  // in the frame; 0: it has no timestamps
  };
  [[nodiscard]] wire::Address<kFamily> random_source();

  FloodKind kind_;
  wire::Address<kFamily> prefix_;
  unsigned prefix_bits_;
  std::array<Template, kSynLayouts> templates_;
  std::mt19937_64 random_;
};

using AnySynFlood = std::variant<SynFlood<wire::Family::kIpv4>, SynFlood<wire::Family::kIpv6>>;

/// For the family of `target`; throws std::invalid_argument when `sources` are of the other.
[[nodiscard]] AnySynFlood make_syn_flood(const Target& target, const SourcePrefix& sources, const Link& link,
                                         std::uint64_t seed, FloodKind kind = FloodKind::kSyn);
inline std::span<std::byte> next_syn(AnySynFlood& flood, std::span<std::byte, kMaxSynBytes> out) {
  return std::visit([&](auto& f) { return f.next(out); }, flood);
}

}  // namespace synward::load
