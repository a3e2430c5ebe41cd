// `synward trace`: samples of packets with their verdicts, from a worker to the control thread. A worker that
// nobody traces knows nothing of this but a null pointer.
//
// What a trace may cost is bounded: frames are copied only while there is room for samples, and room comes
// only as fast as somebody takes them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/burst.hpp"
#include "dataplane/service/row_table.hpp"
#include "dataplane/table/connection.hpp"
#include "dataplane/wire/prefix.hpp"

namespace synward {

/// What a sample keeps of a frame, bytes: all headers and options, and the beginning of the text.
inline constexpr std::size_t kTraceBytes = 256;

struct KeptFrame {
  std::uint16_t bytes = 0;  ///< of the whole frame
  std::array<std::byte, kTraceBytes> data;

  [[nodiscard]] std::span<const std::byte> kept() const {
    return std::span{data}.first(std::min<std::size_t>(bytes, kTraceBytes));
  }
  void keep(std::span<const std::byte> frame) {
    bytes = static_cast<std::uint16_t>(frame.size());
    std::ranges::copy(frame.first(std::min(frame.size(), kTraceBytes)), data.begin());
  }
};

/// Which packets: those for which all that is set holds.
struct TraceFilter {
  using DropBits = std::uint64_t;
  using RouteBits = std::uint32_t;
  static_assert(kCountOf<Drop> <= 64 && kCountOf<Route> <= 32);
  [[nodiscard]] static constexpr DropBits bit(Drop reason) {
    return DropBits{1} << static_cast<unsigned>(reason);
  }
  [[nodiscard]] static constexpr RouteBits bit(Route verdict) {
    return RouteBits{1} << static_cast<unsigned>(verdict);
  }

  std::optional<service::ServiceId> service;
  std::optional<wire::Prefix> client;
  DropBits reasons = 0;    ///< dropped for one of these, or
  RouteBits verdicts = 0;  ///< of one of these verdicts; neither: whatever became of it

  [[nodiscard]] bool wants(Route verdict, Drop reason) const {
    if (verdict == Route::kHandOver) return false;  // the core that takes it over tells of it
    if (reasons == 0 && verdicts == 0) return true;
    return (verdicts & bit(verdict)) != 0 || (verdict == Route::kDrop && (reasons & bit(reason)) != 0);
  }
  /// Whether what leaves synward in place of the packet may be of use.
  [[nodiscard]] bool wants_answers() const {
    return wants(Route::kSend, Drop::kNone) || wants(Route::kForward, Drop::kNone);
  }
};

/// Of the connection of a packet's tuple, when all of its burst had been dealt with.
struct TracedConnection {
  table::ConnectionPhase phase;
  bool is_spliced, timestamps;
  wire::SeqNum client_next, service_next;  ///< as table::ConnectionState
  std::uint32_t receive_window;            ///< bytes; of one that ends here
};

/// What is known of a cookie that did not hold.
enum class CookieDoubt : std::uint8_t {
  kNone,
  kMintedWithout,  ///< it holds for a SYN without timestamps, but the segment has some
  kMintedWith,     ///< it holds for a SYN with timestamps, but the segment has none
};

struct TraceRecord {
  std::uint64_t wall_ns;  ///< since 1970 UTC, when its burst had been dealt with
  std::uint16_t worker, port;
  Route verdict;
  Drop reason;                 ///< of Route::kDrop
  service::ServiceId service;  ///< kNoService unless it is TCP to or from one
  std::optional<TracedConnection> connection;
  CookieDoubt doubt;
  /// Of Drop::kBad*Checksum: what would have been right.
  std::optional<wire::Checksum> right_checksum;
  KeptFrame frame;  ///< as it came
  KeptFrame
      answer;  ///< as it left: the reply, or the same translated; of 0 bytes when nothing, or the same, did
};

/// Between one worker and one other thread.
class TraceTap {
 public:
  static constexpr std::size_t kRecords = 256;  ///< that wait to be taken

  explicit TraceTap(const TraceFilter& wanted) : filter{wanted} {}

  /// The worker. Null when there is no room; publish() makes visible what was written there.
  [[nodiscard]] TraceRecord* room() {
    return has_room() ? &records_[head_.load(std::memory_order_relaxed) % kRecords] : nullptr;
  }
  void publish() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  [[nodiscard]] bool has_room() const {
    return head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_acquire) < kRecords;
  }
  /// The worker: so many frames were not looked at, or not kept, because there was no room.
  void miss(std::size_t count) {
    missed_.store(missed_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  /// The other thread: the oldest, or null; pop() lets go of it.
  [[nodiscard]] const TraceRecord* front() const {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    return tail == head_.load(std::memory_order_acquire) ? nullptr : &records_[tail % kRecords];
  }
  void pop() { tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  [[nodiscard]] std::uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

  const TraceFilter filter;

  // The worker's own, of one burst.
  bool watching = false;  ///< from trace_arrivals() on
  simd::LaneBits answered = 0;
  Lane<KeptFrame> frames, answers;
  Lane<std::optional<wire::Checksum>> right_checksums;

 private:
  std::array<TraceRecord, kRecords> records_;
  std::atomic<std::uint32_t> head_{0}, tail_{0};
  std::atomic<std::uint64_t> missed_{0};
};

}  // namespace synward
