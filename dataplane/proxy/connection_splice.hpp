// What a spliced connection keeps in its entry of the table, as the splice that it stands for.
#pragma once

#include <cstdint>

#include "dataplane/proxy/splice.hpp"
#include "dataplane/table/connection.hpp"

namespace synward::proxy {

/// Segments of a connection lie so near to each other, in both sequence spaces, however large the windows:
/// what lies farther may be of a new connection of the same tuple, and is tried as its cookie first. Both
/// numbers of a stranger's segment are near by 2^-14.
inline constexpr std::int32_t kNear = 1 << 24;
[[nodiscard]] inline bool is_near(wire::SeqNum a, wire::SeqNum b) {
  const std::int32_t apart = wire::distance(a, b);
  return apart > -kNear && apart < kNear;
}

/// Whether a client's segment can belong to this connection rather than to another one of the same tuple. Of
/// what the client sends before the backend has answered, only what follows its cookie can.
[[nodiscard]] inline bool fits(const table::ConnectionState& state, wire::SeqNum seq, wire::SeqNum ack) {
  if (state.phase.get() == table::ConnectionPhase::kUnfinished)
    return ack == state.service_next && wire::in_window(seq, state.client_next, 1u << 16);
  return is_near(ack, state.service_next) && is_near(seq, state.client_next);
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
