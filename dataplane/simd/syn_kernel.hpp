// SYNs of the layouts that nearly all clients send, recognised, verified and answered side by side: a
// register holds one word of 8 or 16 packets. What the kernels do not recognise they leave untouched to the
// stages, which decide everything else, and are the reference: what a kernel does answer, it answers byte for
// byte as they would.
//
//   TCP options                             bytes   sent by
//   MSS, SACK, TS, NOP, WS                     20   Linux, Android
//   MSS, NOP, WS, NOP, NOP, TS, SACK, EOL      24   macOS, iOS
//   MSS, NOP, WS, NOP, NOP, SACK               12   Windows
//
// over IPv4 without options or IPv6 without extension headers, nothing behind the options.
//
// Kernels read and write whole registers, also behind the end of a frame: its slack allows that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/crypto/aes.hpp"
#include "dataplane/simd/isa.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::simd {

/// What a SYN offers, in 32 bits, and what a SYN-ACK may promise, likewise.
struct SynTerms {
  static constexpr std::uint32_t kScale = 1, kSack = 2, kTimestamps = 4, kEcn = 8;  ///< the low four
  static constexpr unsigned kOffsetBit = 4;  ///< of an offer only: TCP's data offset, 4 bits
  static constexpr unsigned kShiftBit = 8;   ///< window scale, 4 bits
  static constexpr unsigned kMssBit = 16;    ///< of an offer only
};

/// Lanes of a burst, a bit each.
using LaneBits = std::uint64_t;

/// What is known of the SYNs of a burst, side by side. One core's; lives as long as the burst.
struct SynBatch {
  static constexpr std::size_t kMax = 64;          ///< as many as LaneBits has
  alignas(64) std::uint32_t offered[kMax];         ///< match(): SynTerms
  alignas(64) std::uint32_t tsval[kMax];           ///< match(): the client's, as it lies on the wire
  alignas(64) std::uint32_t promised[kMax];        ///< for answer(): SynTerms
  alignas(64) std::uint32_t mss_and_window[kMax];  ///< for answer(): of the promise, as they lie on the wire
};

/// The frames of a burst. Those from `count` up to a multiple of 16 must be no frames, but as readable as
/// frames.
struct Frames {
  std::byte* const* frame;     ///< Ethernet header
  std::uint16_t* frame_bytes;  ///< aligned to 32
  std::size_t count;
};
/// What those may be, with no bytes.
inline constexpr std::size_t kPadding = 16;
alignas(64) inline std::byte no_frame[128];  // zeros, never written
/// Of a frame of any length so many bytes are read: behind a tag, the last options of a SYN over IPv6.
inline constexpr std::size_t kMostRead = 18 + 72 + 16;
static_assert(sizeof no_frame >= kMostRead);

/// The destination MAC addresses that are taken: those of which the bits under `mask` are `wanted`, as words
/// read from the frame.
struct MacFilter {
  std::uint64_t wanted, mask;  ///< 48 bits
};

/// The lanes that a port takes and that are long enough to be a SYN, by what follows the MAC addresses.
struct Links {
  LaneBits ipv4, ipv6, tagged;
};

/// The destination that most SYNs are for; and which addresses may be a service's.
struct SynHint {
  alignas(16) std::uint32_t destination[4]{};    ///< as it lies on the wire; IPv4: the first word
  std::uint32_t port = 0;                        ///< as it lies on the wire
  const std::uint32_t* neighborhoods = nullptr;  ///< service::ServiceTable::neighborhood_words()
};

/// What match() found: SYNs, and which of them are to the hint's destination and from no neighbor.
struct Matches {
  LaneBits syns, plain;
};

/// What mints the cookies of a batch.
struct SynMint {
  const crypto::AesKey* key;  ///< of the current slot, and of the batch's family
  std::uint32_t slot_parity;
  std::uint32_t wall_ms;  ///< its low 32 bits
};

/// The kernels of one instruction set. They keep nothing; any thread.
struct SynKernel {
  using Sort = Links (*)(const Frames& frames, const MacFilter& macs);
  /// Which of `candidates`, whose IP headers begin at `network`, are SYNs of the layouts above with checksums
  /// that are right, from a source that may send one, as far as that can be seen without a table. Of the
  /// others nothing is known. Writes `offered` and `tsval` of those.
  using Match = Matches (*)(const Frames& frames, std::size_t network, LaneBits candidates,
                            const SynHint& hint, SynBatch& batch);
  /// The frames of `alive`, which match() recognised and nobody has written to, become SYN-ACKs.
  using Answer = void (*)(const Frames& frames, std::size_t network, LaneBits alive, const SynBatch& batch,
                          const SynMint& mint);

  Sort sort;
  Match match4, match6;
  Answer answer4, answer6;

  template <wire::Family kFamily>
  [[nodiscard]] Match match() const {
    return kFamily == wire::Family::kIpv4 ? match4 : match6;
  }
  template <wire::Family kFamily>
  [[nodiscard]] Answer answer() const {
    return kFamily == wire::Family::kIpv4 ? answer4 : answer6;
  }
};

/// Null for Isa::kScalar. Must not be used unless is_supported(isa).
[[nodiscard]] const SynKernel* syn_kernel(Isa isa);

}  // namespace synward::simd
