// The attack's frames: SYNs of nobody, each as some client's first segment looks, from an address, a port and
// a sequence number drawn at random; SYNs whose options nobody sends; and segments that belong to no
// connection and make a host work. A flood that repeats itself, or whose checksums are wrong, flatters
// whoever is flooded.
//
// A frame is a template in which the fields that are drawn are written over, and their sums are added to the
// template's: nothing is summed twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bench/load/rails.hpp"
#include "dataplane/handshake/segment_builder.hpp"

namespace synward::load {

/// The longest: Ethernet, IPv6, TCP with all its options.
inline constexpr std::size_t kMaxAttackBytes = 14 + 40 + 60;
/// What next() may write, whatever the frame's length: whole registers.
inline constexpr std::size_t kAttackRoom = 128;

struct Link {
  wire::MacAddress local, remote;
};

enum class AttackKind : std::uint8_t {
  kSyn,     ///< of Linux, macOS and Windows, in equal shares
  kOddSyn,  ///< with options in any order, of any kind and value, that a parser must get through
  kAck,     ///< an acknowledgment nobody is waiting for: a cookie that was never given; half with timestamps
  kReplay,  ///< the ACK of a client's handshake, again; kAck while there is none
  kRst,
  kFin,     ///< with ACK
  kSynAck,  ///< of a server nobody asked
  kCount
};
struct AttackKindRow {
  AttackKind value;
  std::string_view label, help;
};
inline constexpr std::array<AttackKindRow, std::size_t(AttackKind::kCount)> kAttackKindTable{{
    {AttackKind::kSyn, "syn", "SYNs as Linux, macOS and Windows send them"},
    {AttackKind::kOddSyn, "odd-syn", "SYNs with options that nobody sends"},
    {AttackKind::kAck, "ack", "ACKs of no connection, with wrong cookies"},
    {AttackKind::kReplay, "replay", "ACKs of the clients' own handshakes, again"},
    {AttackKind::kRst, "rst", "RSTs"},
    {AttackKind::kFin, "fin", "FINs with ACK"},
    {AttackKind::kSynAck, "syn-ack", "SYN-ACKs that nobody asked for"},
}};

/// How much of each.
struct AttackMix {
  std::array<unsigned, std::size_t(AttackKind::kCount)> weights{1};

  /// "syn", "syn=70,ack=30", or "mixed": all alike. Throws std::invalid_argument, one sentence.
  static AttackMix parse(const std::string& text);
  static AttackMix only(AttackKind kind);
  [[nodiscard]] bool has(AttackKind kind) const { return weights[std::size_t(kind)] != 0; }
};

/// xoshiro256** (Blackman, Vigna 2018): four words of state, a few cycles a number.
class FastRandom {
 public:
  explicit FastRandom(std::uint64_t seed);
  [[nodiscard]] std::uint64_t operator()();

 private:
  std::array<std::uint64_t, 4> state_;
};

/// Frames of one mix and family to one target. One thread.
template <wire::Family kFamily>
class AttackFrames {
 public:
  /// `target` and `sources` are of kFamily. The same arguments make the same frames.
  AttackFrames(const Target& target, const SourcePrefix& sources, const Link& link, std::uint64_t seed,
               const AttackMix& mix);

  struct Made {
    std::uint16_t bytes;
    AttackKind kind;
  };
  /// Writes the next frame, with correct checksums, to the beginning of `out`.
  Made next(std::span<std::byte, kAttackRoom> out);
  /// What kReplay repeats: a frame from a client of the same target. The last kRemembered count.
  void remember(std::span<const std::byte> ack);

  /// Whether next() sent a SYN from `source` that `ack` acknowledges. By arithmetic, not by memory: the ISN
  /// of a SYN is a keyed hash of where it comes from.
  [[nodiscard]] bool acknowledged(const wire::Address<kFamily>& source, wire::Port port,
                                  wire::SeqNum ack) const {
    return ack == wire::SeqNum{isn(source, port)} + 1;
  }
  /// Whether `address` is one that it claims to be.
  [[nodiscard]] bool is_source(const wire::Address<kFamily>& address) const;

  static constexpr std::size_t kRemembered = 256;

 private:
  struct alignas(64) Template {
    std::array<std::byte, kAttackRoom> frame;
    std::uint64_t tcp_sum, ip_sum;  // with all that is drawn still zero
    std::uint16_t bytes;
    std::uint16_t tsval_at, tsecr_at;  // in the frame; 0: there is none
    AttackKind kind;
    bool acks;  // its acknowledgment number is drawn, too
  };
  static constexpr std::size_t kPicks = 1024;  // as finely are the mix's shares kept

  void add(const Link& link, const Target& target, AttackKind kind, std::uint8_t flags, std::uint16_t window,
           std::span<const std::uint8_t> options);
  void add_kind(const Link& link, const Target& target, AttackKind kind);
  [[nodiscard]] std::uint32_t isn(const wire::Address<kFamily>& source, wire::Port port) const;
  [[nodiscard]] wire::Address<kFamily> random_source(std::uint32_t bits);
  Made replayed(std::span<std::byte, kAttackRoom> out);

  FastRandom random_;
  std::uint64_t isn_key_;
  wire::Address<kFamily> prefix_, host_mask_;
  std::vector<Template> templates_;
  std::array<std::uint16_t, kPicks> picks_{};  // indices into templates_
  std::vector<std::vector<std::byte>> remembered_;
  std::size_t forget_next_ = 0;
};

using AnyAttack = std::variant<AttackFrames<wire::Family::kIpv4>, AttackFrames<wire::Family::kIpv6>>;

/// For the family of `target`; throws std::invalid_argument when `sources` are of the other.
[[nodiscard]] AnyAttack make_attack(const Target& target, const SourcePrefix& sources, const Link& link,
                                    std::uint64_t seed, const AttackMix& mix = {});

}  // namespace synward::load
