// What the stages that know connections share: a lane's segment, its link, and what a connection answers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>

#include "dataplane/accept/acceptor.hpp"
#include "dataplane/core_state.hpp"
#include "dataplane/handshake/segment.hpp"
#include "dataplane/proxy/connection_splice.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward {

/// 2 MSL (RFC 9293 3.4.3), as long as Linux waits.
inline constexpr std::uint32_t kTimeWaitMs = 60'000;
/// RFC 6298 2: of our FIN, doubled each time.
inline constexpr std::uint32_t kFinTimeoutMs = 1'000;

/// The timestamps of a lane's segment, wherever in its options they are.
[[nodiscard]] inline std::optional<wire::TcpTimestamps> timestamps_of(const CoreState& core,
                                                                      const wire::TcpHeader& tcp) {
  const auto elsewhere = [&](std::span<const std::byte> options) -> std::optional<wire::TcpTimestamps> {
    if (core.kernels == nullptr) return wire::parse_tcp_options(options).timestamps();
    wire::TcpTimestamps found;
    const bool any = core.kernels->timestamps(reinterpret_cast<const std::byte*>(&tcp), found);
    return any ? std::optional{found} : std::nullopt;
  };
  return wire::parse_timestamps(wire::options(tcp), elsewhere);
}

[[nodiscard]] inline handshake::Segment segment_of(const Burst& burst, LaneIndex i, const CoreState& core) {
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  handshake::Segment segment{.seq = wire::SeqNum{tcp.seq},
                             .ack = wire::SeqNum{tcp.ack},
                             .flags = tcp.flags,
                             .window = tcp.window.host()};
  segment.text_bytes = static_cast<std::uint16_t>(burst.view[i].transport_bytes - tcp.header_bytes());
  segment.options.timestamps = timestamps_of(core, tcp);
  return segment;
}

/// Burst::flow_hash of these lanes, in their order: as the kernels had it, where they did, else of `flow(n)`.
template <wire::Family kFamily, typename FlowOf>
[[nodiscard]] inline std::array<std::uint64_t, kBurstMax> hash_flows(Burst& burst, const CoreState& core,
                                                                     std::span<const LaneIndex> lanes,
                                                                     const FlowOf& flow) {
  CommonSegments& read = burst.common_segments;
  const simd::LaneBits hashed = read.all<kFamily>();
  std::array<std::uint64_t, kBurstMax> hashes;
  for (std::size_t n = 0; n < lanes.size(); ++n) {
    const LaneIndex i = lanes[n];
    hashes[n] = has_lane(hashed, i) ? read.batch.hash(i) : table::hash<kFamily>(flow(n), core.secret);
    burst.flow_hash[i] = hashes[n];
  }
  return hashes;
}

/// The way back to whoever sent the lane's frame.
[[nodiscard]] inline LinkPath link_path_of(const Burst& burst, LaneIndex i) {
  constexpr std::size_t kTags = 2 * sizeof(wire::MacAddress);
  static_assert(offsetof(LinkPath, local) == offsetof(wire::EthernetHeader, destination) &&
                offsetof(LinkPath, peer) == offsetof(wire::EthernetHeader, source));
  static_assert(offsetof(LinkPath, port) == kTags && offsetof(LinkPath, tag_bytes) == kTags + 2);
  const std::size_t tag_bytes = burst.view[i].network - sizeof(wire::EthernetHeader);
  LinkPath::Words words{};
  std::uint32_t end_of_peer;
  std::memcpy(&words[0], burst.frame[i], sizeof words[0]);
  std::memcpy(&end_of_peer, burst.frame[i] + sizeof words[0], sizeof end_of_peer);
  words[1] = end_of_peer | std::uint64_t{burst.port} << 32 | std::uint64_t{tag_bytes} << 48;
  if (tag_bytes != 0) std::memcpy(&words[2], burst.frame[i] + kTags, tag_bytes);
  return std::bit_cast<LinkPath>(words);
}

/// A segment of this connection, as its own half would send it now. `options` is where its options go.
using TimestampOption = std::array<std::byte, wire::kTimestampsBytes>;
[[nodiscard]] inline Reply segment_of_ours(const CoreState& core, const table::ConnectionState& state,
                                           std::uint8_t flags, wire::SeqNum seq, TimestampOption& options) {
  const auto& profile = (*core.services)[state.service].profile;
  Reply reply{.seq = seq,
              .ack = state.client_next,
              .flags = flags,
              .window = accept::window_field(state.window_scales, profile.window)};
  if (state.options.timestamps) {
    const std::uint32_t tsval = state.half.ts_offset + static_cast<std::uint32_t>(core.now.mono_ms);
    wire::write_timestamps(options.data(), {tsval, state.half.ts_recent});
    reply.options = options;
  }
  return reply;
}

/// Whether a client's segment can belong to this connection and not to another one of the same tuple.
[[nodiscard]] inline bool fits(const table::ConnectionState& state, const wire::TcpHeader& tcp,
                               bool is_inline) {
  const wire::SeqNum seq{tcp.seq}, ack{tcp.ack};
  return is_inline ? proxy::fits(state, seq, ack) : accept::fits(state, ack);
}

/// Of an open connection: how long its silence may last, milliseconds.
[[nodiscard]] inline std::uint32_t idle_timeout_ms(const CoreState& core,
                                                   const table::ConnectionState& state) {
  const auto& service = (*core.services)[state.service];
  const bool closes =
      service.close_after_ms != 0 && state.phase.get() == table::ConnectionPhase::kEstablished;
  return closes ? service.close_after_ms : service.idle_timeout_ms;
}
/// When it has lasted too long, if it begins now.
[[nodiscard]] inline table::Tick idle_deadline(const CoreState& core, const table::ConnectionState& state) {
  return table::after(core.tick(), idle_timeout_ms(core, state));
}
/// Since when its service has the timeouts that it has.
[[nodiscard]] inline table::Tick timeouts_since(const CoreState& core, const table::ConnectionState& state) {
  return table::tick_at((*core.services)[state.service].timeouts_since_ms);
}

/// Until when the cookie that opened the connection would open another one.
[[nodiscard]] inline table::Tick cookie_expiry(const CoreState& core, const table::ConnectionState& state) {
  return table::after(core.tick(), core.keys.lifetime_ms(state.cookie_slot));
}

/// Whether a segment that does not fit this connection may have an effect, a challenge (RFC 5961) or its
/// replacement: once a tick, so that guessing takes days. A budget shared by connections would tell one what
/// happens to another (CVE-2016-5696).
[[nodiscard]] inline bool take_misfit(const CoreState& core, table::ConnectionState& state) {
  const auto now = static_cast<std::uint8_t>(core.tick().number % table::ConnectionOptions::kNoMisfit);
  if (state.options.misfit_tick == now) return false;
  state.options.misfit_tick = now & 63;
  return true;
}

/// An RST of a client, for whoever watches.
template <wire::Family kFamily>
void note_reset(const Burst& burst, LaneIndex i, CoreState& core) {
  core.talkers.add(Talk::kResets, [&] { return client_prefix(ip_header<kFamily>(burst, i).source); });
}

/// A segment that ended, of no connection and without a cookie of ours, for whoever watches.
template <wire::Family kFamily>
void note_bad_cookie(const Burst& burst, LaneIndex i, CoreState& core) {
  core.of_services[burst.view[i].service].cookies_bad.add(1);
  core.talkers.add(Talk::kBadCookies, [&] { return client_prefix(ip_header<kFamily>(burst, i).source); });
}

/// Sends a lane to reject(), where it is dropped for `reason` unless it deserves an RST.
template <wire::Family kFamily>
void make_stray(Burst& burst, LaneIndex i, Drop reason) {
  burst.drop[i] = reason;
  burst.on(Routes<kFamily>::kStray).push(i);
}

/// Answers a lane with an ACK of what the connection expects (RFC 5961), which take_misfit() has allowed.
template <wire::Family kFamily>
void challenge(Burst& burst, LaneIndex i, CoreState& core, const table::ConnectionState& state);

/// Hands a lane to the acceptor of `connection`, and sends, forwards or drops it as that says.
template <wire::Family kFamily>
void accept_segment(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>& connection);

/// A client's segment on its way to the backend of `connection`: translated and forwarded, or held until the
/// backend has answered.
template <wire::Family kFamily>
void splice_segment(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>& connection);

/// To whoever has the connection.
template <wire::Family kFamily>
void relay_segment(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>& connection) {
  return core.is_inline() ? splice_segment<kFamily>(burst, i, core, connection)
                          : accept_segment<kFamily>(burst, i, core, connection);
}

}  // namespace synward
