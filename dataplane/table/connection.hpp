// One entry of the connection table, byte by byte (host byte order unless said otherwise):
//
//   IPv4 IPv6  bytes
//    0    0    4 / 16  key: client's address     wire order
//    4   16    4 / 16  key: service's address    wire order
//    8   32    2       key: client's port        wire order
//   10   34    2       key: service's port       wire order
//   12   36    4       client_next               RCV.NXT
//   16   40    4       service_next              SND.NXT, in the cookie's sequence space
//   20   44   12       half, or splice           of a connection that ends here, or that goes on to a backend
//    +0    4            service_acked             SND.UNA, in the cookie's sequence space | seq_delta
//    +4    4            ts_recent                 TS.Recent (RFC 7323) | ts_delta
//    +8    4            ts_offset                 TSval less the ms clock | client's window, scale, flags
//   32   56    4       deadline                  Tick; written by the table only
//   36   60    2       service                   index into the service table
//   38   62    2       path                      by which link its client is reached: index into LinkPaths
//   40   64    1       phase                     written by the table only
//   41   65    1       options                   [7:2] misfit_tick, [1] accepted, [0] timestamps
//   42   66    1       window scales             [7:4] ours, [3:0] the client's
//   43   67    1       slot, retransmissions     [7:4] low bits of its cookie's slot, [3:0] of our FIN
//   44   68            end
//
// Of a spliced connection, client_next and service_next lie behind what client and backend sent last, in the
// numbers that the client knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/table/flow_key.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::table {

template <wire::Family>
class ConnectionTable;

/// Coarse time: 256 ms of the monotonic clock. It would wrap after 34 years of uptime.
struct Tick {
  std::uint32_t number;
  friend constexpr auto operator<=>(Tick, Tick) = default;
};
inline constexpr std::uint32_t kTickMs = 256;
[[nodiscard]] constexpr Tick tick_at(std::uint64_t mono_ms) {
  return {static_cast<std::uint32_t>(mono_ms / kTickMs)};
}
/// The first tick that begins no earlier than `ms` milliseconds from now, wherever within `now` we are.
[[nodiscard]] constexpr Tick after(Tick now, std::uint32_t ms) {
  return {now.number + static_cast<std::uint32_t>((std::uint64_t{ms} + 2 * kTickMs - 2) / kTickMs)};
}

/// RFC 9293 3.3.2, of the half that synward terminates toward the client, and what comes before and after.
enum class ConnectionPhase : std::uint8_t {
  kUnfinished,  ///< the client proved its address, the backend's half is not open yet
  kEstablished,
  kCloseWait,
  kFinWait1,
  kFinWait2,
  kClosing,
  kLastAck,
  kTimeWait,
  kTombstone,  ///< closed; kept until the cookie that opened it has expired, which is a stray until then
  kCount,
};

/// Everyone reads it; only the table writes it, because counts and buckets follow it. It cannot be assigned,
/// so neither can what holds it.
template <typename T>
class TableOwned {
 public:
  TableOwned() = default;
  TableOwned(const TableOwned&) = default;
  [[nodiscard]] constexpr T get() const { return value_; }

 private:
  template <wire::Family>
  friend class ConnectionTable;
  TableOwned& operator=(const TableOwned&) = default;
  T value_;
};

/// What both sides agreed on, whether the accept queue has taken the connection, and when a segment last did
/// not fit it: the tick modulo kNoMisfit, or that for never.
struct ConnectionOptions {
  static constexpr std::uint8_t kNoMisfit = 63;
  bool timestamps : 1, accepted : 1;
  std::uint8_t misfit_tick : 6;
};
static_assert(sizeof(ConnectionOptions) == 1);

/// Shift counts, 0 to 14 (RFC 7323 2.3); 0 too where the option was not agreed on.
class WindowScales {
 public:
  WindowScales() = default;
  constexpr WindowScales(unsigned client, unsigned ours)
      : packed_{static_cast<std::uint8_t>((ours & 15) << 4 | (client & 15))} {}
  [[nodiscard]] constexpr unsigned client() const { return packed_ & 15u; }
  [[nodiscard]] constexpr unsigned ours() const { return packed_ >> 4; }

 private:
  std::uint8_t packed_;
};

/// What a connection that synward terminates keeps.
struct TerminatedHalf {
  wire::SeqNum service_acked;
  std::uint32_t ts_recent, ts_offset;
};

/// What a connection to a backend keeps: once spliced, what proxy::Splice is made of.
struct SplicedHalves {
  std::uint32_t seq_delta, ts_delta;
  union {
    std::uint16_t pending;        ///< while kUnfinished: which backend handshake it waits for
    std::uint16_t client_window;  ///< afterwards: the window field that the client sent last
  };
  std::uint8_t backend_scale;
  bool is_spliced : 1;                ///< the backend's half was open once: the deltas mean something
  bool backend_declined_scaling : 1;  ///< although the client was promised it
  bool backend_declined_sack : 1;
  bool reset_by_client : 1, reset_by_backend : 1;  ///< an RST passed, and nothing since
  bool client_has_all : 1, backend_has_all : 1;    ///< of the other's FIN and what came before it
};
static_assert(sizeof(TerminatedHalf) == 12 && sizeof(SplicedHalves) == 12);

struct ConnectionState {
  wire::SeqNum client_next, service_next;
  union {
    TerminatedHalf half;
    SplicedHalves splice;
  };
  TableOwned<Tick>
      deadline;  ///< when the sweep hands the connection to its policy; ConnectionTable::set_deadline()
  std::uint16_t service;  ///< ConnectionTable::set_service()
  std::uint16_t path;
  TableOwned<ConnectionPhase> phase;  ///< ConnectionTable::set_phase()
  ConnectionOptions options;
  WindowScales window_scales;
  std::uint8_t retransmissions : 4, cookie_slot : 4;
};
static_assert(sizeof(ConnectionState) == 32 && alignof(ConnectionState) == 4);

template <wire::Family kFamily>
struct Connection {
  const FlowKey<kFamily> key;
  ConnectionState state;
};
static_assert(sizeof(Connection<wire::Family::kIpv4>) == 44 && sizeof(Connection<wire::Family::kIpv6>) == 68);
static_assert(std::is_trivially_copy_constructible_v<Connection<wire::Family::kIpv4>> &&
              std::is_trivially_destructible_v<Connection<wire::Family::kIpv4>>);

}  // namespace synward::table
