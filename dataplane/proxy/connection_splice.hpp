// What a spliced connection keeps in its entry of the table, as the splice that it stands for.
#pragma once

#include <cstdint>

#include "dataplane/proxy/splice.hpp"
#include "dataplane/table/connection.hpp"

namespace synward::proxy {

/// Segments of a connection lie so near to each other, in both sequence spaces, however large the windows.
inline constexpr std::int32_t kNear = 1 << 24;
[[nodiscard]] inline bool is_near(wire::SeqNum a, wire::SeqNum b) {
  const std::int32_t apart = wire::distance(a, b);
  return apart > -kNear && apart < kNear;
}

/// Whether a client's segment belongs to this connection rather than to another one of the same tuple; what
/// does not is tried as a cookie first, and passes all the same when it is none. Of what the client sends
/// before the backend has answered, only what follows its cookie belongs. Afterwards what repeats, or begins
/// just where the client stopped, and acknowledges what has passed. A client that uses its port again soon
/// has an ISN a little ahead of the old numbers (RFC 9293 3.4.1), and so begins beyond them; one that lost
/// its memory is near to both by 2^-16.
[[nodiscard]] inline bool fits(const table::ConnectionState& state, wire::SeqNum seq, wire::SeqNum ack) {
  if (state.phase.get() == table::ConnectionPhase::kUnfinished)
    return ack == state.service_next && wire::in_window(seq, state.client_next, 1u << 16);
  const auto follows = [](wire::SeqNum number, wire::SeqNum next) {
    return next.value() - number.value() < static_cast<std::uint32_t>(kNear);
  };
  return follows(ack, state.service_next) && follows(seq, state.client_next);
}

/// Whether a client's segment may move what a spliced connection remembers: it knows the numbers of both
/// directions, though it may lie behind a gap. A stranger guesses both with 2^-16.
[[nodiscard]] inline bool is_credible(const table::ConnectionState& state, wire::SeqNum seq,
                                      wire::SeqNum ack) {
  constexpr std::uint32_t kGapMost = 1u << 22;
  return state.service_next.value() - ack.value() < static_cast<std::uint32_t>(kNear) &&
         state.client_next.value() + kGapMost - seq.value() < static_cast<std::uint32_t>(kNear) + kGapMost;
}

[[nodiscard]] inline Splice splice_of(const table::ConnectionState& state) {
  return {.seq_delta = state.splice.seq_delta,
          .ts_delta = state.splice.ts_delta,
          .promised_scale = static_cast<std::uint8_t>(state.window_scales.ours()),
          .backend_scale = state.splice.backend_scale,
          .client_scale = static_cast<std::uint8_t>(state.window_scales.client()),
          .backend_scales = !state.splice.backend_declined_scaling,
          .backend_takes_sack = !state.splice.backend_declined_sack};
}

/// Moves `next` to the end of a segment that was sent behind it. It never goes back.
inline void move_on(wire::SeqNum& next, wire::SeqNum end) {
  if (wire::before(next, end) && is_near(next, end)) next = end;
}

}  // namespace synward::proxy
