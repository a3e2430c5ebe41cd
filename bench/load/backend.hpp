// A server without a kernel, for the inner side of a defence that stands in the cable: it takes connections,
// says its answer to what each one says first, and closes when the client has. Text that nobody acknowledges
// is said again from the first byte that is missing (go-back-N), with at most ten segments under way
// (RFC 6928); there is no other congestion control, and no fast retransmission.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>

#include "bench/load/agenda.hpp"
#include "bench/load/tcp_end.hpp"
#include "dataplane/handshake/isn.hpp"
#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/handshake/state_machine.hpp"

namespace synward::load {

/// All that backends of a trial have in common.
struct BackendManners {
  std::string answer;         ///< empty: it says nothing
  bool speaks_first = false;  ///< without a question
};

/// One service. One thread.
template <wire::Family kFamily>
class Backend {
 public:
  /// Of that many it knows something; SYNs of others are not answered.
  static constexpr std::size_t kMostConnections = std::size_t{1} << 18;
  using Send = std::function<void(std::span<const std::byte>)>;

  /// `send` may lose frames; `manners` outlive this. `secret` is what ISNs come from.
  Backend(const wire::Address<kFamily>& address, wire::Port port, const BackendManners& manners,
          const crypto::AesBlock& secret, Send send);

  /// Sends again what was not answered, and forgets who fell silent.
  void turn(std::uint64_t now_us);
  /// A segment for it, by is_for().
  void receive(const handshake::Received<kFamily>& received, std::uint64_t now_us);
  [[nodiscard]] bool is_for(const handshake::FourTuple<kFamily>& tuple) const {
    return tuple.local == address_ && tuple.local_port == port_;
  }
  /// Connections that it knows.
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  using Key = Agenda::Key;
  struct Connection {
    handshake::Path<kFamily> path{};
    handshake::Tcb tcb{};
    TextTimer again{};
    std::uint64_t silent_us = 0;  // it is forgotten
    std::uint64_t queued_us = 0;
    std::uint32_t said = 0;  // of the answer
    bool asked = false, closing = false;
  };

  void listen(Key key, const handshake::Received<kFamily>& received, std::uint64_t now_us);
  void progress(Connection& connection, std::uint64_t now_us);
  void say_more(Connection& connection, std::uint64_t now_us);
  void say_again(Connection& connection, std::uint64_t now_us);
  void plan(Key key, Connection& connection);
  void transmit(const handshake::Path<kFamily>& path, const handshake::Segment& segment,
                std::size_t answer_offset = 0);
  /// The end of its handshake failed, or it was reset.
  [[nodiscard]] static bool is_gone(const Connection& connection) {
    return connection.tcb.state == handshake::State::kClosed ||
           connection.tcb.state == handshake::State::kListen;
  }

  wire::Address<kFamily> address_;
  wire::Port port_;
  const BackendManners& manners_;
  handshake::IsnGenerator isns_;
  Send send_;
  std::unordered_map<Key, Connection> connections_;
  Agenda agenda_;
};

}  // namespace synward::load
