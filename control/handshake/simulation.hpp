// A client and a server in one process, and a wire between them that takes time and loses what it is told to
// lose. Every segment travels as the bytes of a frame. Time is simulated: nothing waits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/handshake/state_machine.hpp"

namespace synward::control {

enum class SegmentKind : std::uint8_t { kSyn, kSynAck, kAck };

/// The wire loses the first `count` segments of a kind, whoever sends them. kAck is an ACK and nothing else.
struct Loss {
  SegmentKind kind;
  std::uint32_t count;
};

struct Scenario {
  handshake::EndpointOptions client, server;
  bool simultaneous = false;     ///< both open actively
  std::uint32_t text_bytes = 0;  ///< what the client sends once its side is established
  std::uint64_t latency_us = 10'000;
  std::uint64_t seed = 0;  ///< the secrets behind both ends' ISNs
  std::optional<std::uint32_t> client_isn, server_isn;
  std::vector<Loss> losses;
};

enum End : std::uint8_t { kClient, kServer };
inline constexpr End other(End end) { return end == kClient ? kServer : kClient; }
template <typename T>
using PerEnd = std::array<T, 2>;

/// One segment's way over the wire.
struct Flight {
  End from;
  bool again;  ///< a retransmission timer sent it
  handshake::Segment segment;
  std::vector<std::byte> frame;
  PerEnd<wire::SeqNum> iss;   ///< of both ends, when it was sent
  std::uint8_t window_shift;  ///< that the sender means its window to be read with
  std::uint64_t sent_us;
  PerEnd<handshake::State> when_sent;  ///< both ends, the sender after sending
  bool lost = false;
  std::uint64_t arrived_us = 0;             ///< from here on: unless it was lost
  PerEnd<handshake::State> when_arrived{};  ///< both ends, the receiver after reading
  handshake::Verdict verdict{};
};

struct Story {
  PerEnd<std::string> addresses;  ///< address and port
  PerEnd<handshake::State> at_first;
  std::vector<Flight> flights;  ///< in the order of sending
  PerEnd<handshake::Tcb> at_last;
  std::uint64_t end_us = 0;
  std::uint32_t text_received = 0;
};

/// Runs until nothing is under way and no timer waits.
[[nodiscard]] Story simulate(const Scenario& scenario);

}  // namespace synward::control
