// Clients without a kernel: dataplane/handshake/'s side of TCP over frames that somebody else carries. For
// machines where nobody may make a network interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>

#include "bench/load/client_log.hpp"
#include "bench/load/pace.hpp"
#include "bench/load/syn_flood.hpp"
#include "dataplane/handshake/isn.hpp"
#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/handshake/state_machine.hpp"

namespace synward::load {

/// As KernelClients: each connects, sends a line, stays a while, closes its half, and waits for the FIN of
/// the other. All of one family, from one address, to one service. One thread.
template <wire::Family kFamily>
class MemoryClients {
 public:
  struct Settings {
    Link link;
    wire::Address<kFamily> client, service;
    wire::Port port;
    double patience_s = 3;  ///< how long a client waits: for its connection, and again for its end
    double stay_s = 0;      ///< how long it stays between the two
  };
  using Send = std::function<void(std::span<const std::byte>)>;
  /// `send` may lose frames; `log` outlives this. `secret` is what the clients' ISNs come from.
  MemoryClients(const Settings& settings, const Pace& pace, const crypto::AesBlock& secret, Send send,
                ClientLog& log);

  /// Starts whom it is time for, sends again what was not answered, gives up on what took too long.
  void turn(std::uint64_t now_us);
  /// A frame came over the wire; false when it is none of theirs.
  bool receive(std::span<const std::byte> frame, std::uint64_t now_us);
  /// Nobody is to be started any more, and nobody is under way.
  [[nodiscard]] bool are_done(std::uint64_t now_us) const {
    return now_us >= pace_.end_us() && under_way_ == 0;
  }

 private:
  struct Client {
    handshake::Path<kFamily> path;
    handshake::Tcb tcb;
    std::uint64_t intended_us, deadline_us;
    std::uint64_t leaves_us;     // when its stay is over
    handshake::Segment pending;  // its line, then its FIN: sent again until acknowledged
    std::uint64_t again_us;      // when
    bool connected = false, closing = false, ended = false;
  };
  void start(std::uint64_t number, std::uint64_t now_us);
  void greet(Client& client, std::uint64_t now_us);
  void close_half(Client& client, std::uint64_t now_us);
  void say(Client& client, std::uint16_t text_bytes, std::uint64_t now_us);
  void progress(Client& client, std::uint64_t now_us);
  void end(Client& client);
  void transmit(const Client& client, const handshake::Segment& segment);
  [[nodiscard]] std::uint64_t after(std::uint64_t now_us, double seconds) const {
    return now_us + static_cast<std::uint64_t>(seconds * 1e6);
  }

  Settings settings_;
  Pace pace_;
  handshake::IsnGenerator isns_;
  Send send_;
  ClientLog& log_;
  std::uint64_t started_ = 0, under_way_ = 0, looked_us_ = 0;
  std::unordered_map<std::uint16_t, Client> clients_;  // by port; those that ended stay for late segments
};

}  // namespace synward::load
