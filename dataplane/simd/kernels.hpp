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
// All other segments of legal flags are read side by side, whatever their options and text, IP options and
// extension headers; the sums of those without text are verified, and the cookies that they may bring are
// checked. Those of backends are read behind IP headers of the least length, whatever their flags, and no
// more.
//
// Kernels read and write whole registers, also behind the end of a frame: its slack allows that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/crypto/aes.hpp"
#include "dataplane/simd/isa.hpp"
#include "dataplane/table/flow_key.hpp"
#include "dataplane/wire/net_types.hpp"
#include "dataplane/wire/tcp_options.hpp"

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

/// What is known of the other segments of a burst, likewise.
struct SegmentBatch {
  alignas(64) std::uint32_t bytes[SynBatch::kMax];  ///< of header and text
  /// The two halves of table::hash() of the client's flow; of SYNs, what hash() writes.
  alignas(64) std::uint32_t hash_high[SynBatch::kMax];
  alignas(64) std::uint32_t hash_low[SynBatch::kMax];
  [[nodiscard]] std::uint64_t hash(std::size_t lane) const {
    return std::uint64_t{hash_high[lane]} << 32 | hash_low[lane];
  }
};

/// The frames of a burst. Those from `count` up to a multiple of 16 must be no frames, but as readable as
/// frames.
struct Frames {
  std::byte* const* frame;     ///< Ethernet header
  std::uint16_t* frame_bytes;  ///< aligned to 32
  std::size_t count;
  /// Null where nothing lies between IP headers of the least length and those of TCP; else, of each frame,
  /// how many bytes do, aligned to 32, and the address so many bytes behind `frame`: from there, TCP is where
  /// it is in other frames.
  const std::uint16_t* between = nullptr;
  std::byte* const* shifted = nullptr;
};
/// What those may be, with no bytes.
inline constexpr std::size_t kPadding = 16;
/// So many frames there are then.
constexpr std::size_t padded(std::size_t count) { return (count + kPadding - 1) / kPadding * kPadding; }
alignas(64) inline std::byte no_frame[128];  // zeros, never written
/// Of a frame of any length so many bytes are read: behind two tags, the last options over IPv6. From
/// Frames::shifted on, as many.
inline constexpr std::size_t kMostRead = 22 + 88 + 16;
static_assert(sizeof no_frame >= kMostRead);
/// An answer is written in whole registers: so many bytes, from the IP header on.
template <wire::Family kFamily>
inline constexpr std::size_t kMostWritten = kFamily == wire::Family::kIpv4 ? 64 : 80;
/// read() reads so many bytes of a TCP header and of what follows it.
inline constexpr std::size_t kOptionsRead = 20 + 65;

/// The destination MAC addresses that are taken: those of which the bits under `mask` are `wanted`, as words
/// read from the frame.
struct MacFilter {
  std::uint64_t wanted, mask;  ///< 48 bits
};

/// The lanes that a port takes and that have room for the least headers, by what follows the MAC addresses;
/// and which of `ipv4` have options.
struct Links {
  LaneBits ipv4, ipv6, tagged, ipv4_options;
};

/// The destination that most packets are for; and which addresses may be a service's.
struct Hint {
  alignas(16) std::uint32_t destination[4]{};    ///< as it lies on the wire; IPv4: the first word
  std::uint32_t port = 0;                        ///< as it lies on the wire
  const std::uint32_t* neighborhoods = nullptr;  ///< service::ServiceTable::neighborhood_words()
};

/// What match() found: SYNs of a common layout, and of any other; other segments, and which of these are
/// RSTs; of all, which are to the hint's destination, and which from an address that is certainly no
/// service's; and, beside the common SYNs, whose checksums were verified and are right.
struct Matches {
  LaneBits syns, odd_syns, segments, resets, to_hint, strangers, intact;

  Matches& operator|=(const Matches& more) {
    syns |= more.syns;
    odd_syns |= more.odd_syns;
    segments |= more.segments;
    resets |= more.resets;
    to_hint |= more.to_hint;
    strangers |= more.strangers;
    intact |= more.intact;
    return *this;
  }
};

/// What match_answers() found: backends' segments, and which of these are from the hint's destination.
struct Answers {
  LaneBits segments, from_hint;
};

/// What mints the cookies of a batch.
struct SynMint {
  const crypto::AesKey* key;  ///< of the current slot, and of the batch's family
  std::uint32_t slot_parity;
  std::uint32_t wall_ms;  ///< its low 32 bits
};

/// What may have minted a cookie, by the parity of its slot. All of the batch's family.
struct CookieKeys {
  const crypto::AesKey* of_parity[2];
};

/// SYNs of no common layout, in some lanes of a burst.
struct OddSyns {
  const std::byte* const* tcp;  ///< the header of each lane; kOptionsRead bytes are readable
  const std::uint8_t* lanes;
  std::size_t count;
  std::uint32_t default_mss;  ///< of a SYN that offers none
};

/// The kernels of one instruction set. They keep nothing; any thread.
struct Kernels {
  using Sort = Links (*)(const Frames& frames, const MacFilter& macs);
  /// Which of `candidates`, whose IP headers begin at `network`, are SYNs of the layouts above with checksums
  /// that are right, and which are other segments of legal flags and lengths; from a source that may send
  /// one, as far as that can be seen without a table. Of the others nothing is known. Where anything lies
  /// between the headers (Frames), no SYN counts as one of those layouts; and that behind extension headers
  /// there is one of TCP, inside the packet, the caller has seen. Writes `offered` and
  /// `tsval` of those SYNs, and all that `segments` has of those segments, but no hash of SYNs.
  using Match = Matches (*)(const Frames& frames, std::size_t network, LaneBits candidates, const Hint& hint,
                            const table::HashSecret& secret, SynBatch& syns, SegmentBatch& segments);
  /// Which of `candidates`, which have room for the least headers, have more of them before TCP. Writes
  /// Frames::between of those. IPv4: options (all else that is in the header, match() looks at). IPv6:
  /// extension headers, as wire::walk_extension_headers() has them, but of fragments.
  using FindBetween = LaneBits (*)(const Frames& frames, std::size_t network, LaneBits candidates,
                                   std::uint16_t* between);
  /// Which of `candidates` are segments of any flags, with lengths that are right: of what comes from the
  /// side of the backends. Their source is looked for where match() looks for the destination, and the hash
  /// is that of the flow the other way.
  using MatchAnswers = Answers (*)(const Frames& frames, std::size_t network, LaneBits candidates,
                                   const Hint& hint, const table::HashSecret& secret, SegmentBatch& segments);
  /// Writes the hashes of SYNs that match() found.
  using HashFlows = void (*)(const Frames& frames, std::size_t network, LaneBits lanes,
                             const table::HashSecret& secret, SegmentBatch& segments);
  /// Writes `offered` and `tsval` of SYNs whose options may be any: as wire::parse_tcp_options() reads them.
  using Read = void (*)(const OddSyns& syns, SynBatch& batch);
  /// Whether the options behind the header `tcp`, of which kOptionsRead bytes are readable, have timestamps,
  /// as wire::parse_tcp_options() reads them. Writes `found` in any case.
  using Timestamps = bool (*)(const std::byte* tcp, wire::TcpTimestamps& found);
  /// The frames of `alive`, of which `offered`, `tsval` and what is promised are known, become SYN-ACKs.
  /// Their addresses, ports and sequence numbers are read where those of a SYN are whose IP header has the
  /// least length. Writes kMostWritten bytes, however short the SYN was.
  using Answer = void (*)(const Frames& frames, std::size_t network, LaneBits alive, const SynBatch& batch,
                          const SynMint& mint);

  /// Which of `candidates`, segments with ACK that match() found, certainly bring no cookie that was minted
  /// under the key that its parity chooses: cookie::check_cookie() would find none. kOptionsRead bytes of
  /// each TCP header are readable.
  using Refute = LaneBits (*)(const Frames& frames, std::size_t network, LaneBits candidates,
                              const CookieKeys& keys);

  Sort sort;
  Match match4, match6;
  FindBetween find_options, find_extensions;
  MatchAnswers match_answers4, match_answers6;
  HashFlows hash4, hash6;
  Read read;
  Timestamps timestamps;
  Answer answer4, answer6;
  Refute refute4, refute6;

  template <wire::Family kFamily>
  [[nodiscard]] Match match() const {
    return kFamily == wire::Family::kIpv4 ? match4 : match6;
  }
  template <wire::Family kFamily>
  [[nodiscard]] MatchAnswers match_answers() const {
    return kFamily == wire::Family::kIpv4 ? match_answers4 : match_answers6;
  }
  template <wire::Family kFamily>
  [[nodiscard]] HashFlows hash() const {
    return kFamily == wire::Family::kIpv4 ? hash4 : hash6;
  }
  template <wire::Family kFamily>
  [[nodiscard]] Answer answer() const {
    return kFamily == wire::Family::kIpv4 ? answer4 : answer6;
  }
  template <wire::Family kFamily>
  [[nodiscard]] Refute refute() const {
    return kFamily == wire::Family::kIpv4 ? refute4 : refute6;
  }
};

/// Null for Isa::kScalar. Must not be used unless is_supported(isa).
[[nodiscard]] const Kernels* kernels_of(Isa isa);

}  // namespace synward::simd
