// Clients without a kernel: dataplane/handshake/'s side of TCP over frames that somebody else carries. Each
// opens a connection at its intended time, says its request if there is one, waits for the answer, closes its
// half and waits for the other end's FIN. Open loop: nobody waits for anybody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "bench/load/agenda.hpp"
#include "bench/load/attack.hpp"
#include "bench/load/tcp_end.hpp"
#include "bench/load/trial/record.hpp"
#include "dataplane/handshake/isn.hpp"
#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/handshake/state_machine.hpp"

namespace synward::load {

/// Who wants to know how clients fare. `client` is their number in the schedule; all from the thread that
/// turns them.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  /// A SYN left; `number` 1 is the first.
  virtual void sent_syn(std::size_t client, unsigned number, std::uint64_t now_us) = 0;
  virtual void connected(std::size_t client, std::uint64_t now_us) = 0;
  /// The ACK of its handshake, as it left.
  virtual void sent_ack(std::span<const std::byte> frame) = 0;
  virtual void first_byte(std::size_t client, std::uint64_t now_us) = 0;
  /// Its fate is known, once and for all; `closed`: by FINs of both sides.
  virtual void ended(std::size_t client, Outcome outcome, bool closed) = 0;
};

/// What all clients have in common.
struct ClientManners {
  std::string request;                    ///< at most kMaxRequestBytes; empty: they say nothing
  bool asks = false;                      ///< they wait for an answer
  std::string expect;                     ///< what it must begin with; empty: anything
  std::uint32_t answer_bytes = 0;         ///< how long it must be; 0: its beginning will do
  std::uint64_t patience_us = 8'000'000;  ///< from the intended time until it has succeeded; and to close
  std::uint64_t stay_us = 0;              ///< between success and FIN
};
/// Fits into the segment that any server must take (RFC 9293 3.7.1: 536, less what timestamps need).
inline constexpr std::size_t kMaxRequestBytes = 512;

/// All of one family to one service. One thread.
template <wire::Family kFamily>
class Clients {
 public:
  struct Settings {
    Link link;
    SourcePrefix addresses;  ///< where they come from, in turn; over IPv6 each /64 of it counts as one
    wire::Address<kFamily> service;
    wire::Port port;
    ClientManners manners;
  };
  /// `client` started at `intended_us`.
  struct Start {
    std::uint64_t intended_us;
    std::size_t client;
  };
  using Send = std::function<void(std::span<const std::byte>)>;
  /// `schedule` is in order, and outlives this, as `events` does. `send` may lose frames. `secret` is what
  /// ISNs come from.
  Clients(Settings settings, std::span<const Start> schedule, const crypto::AesBlock& secret, Send send,
          ClientEvents& events);

  /// Starts whom it is time for, sends again what was not answered, gives up on what took too long.
  void turn(std::uint64_t now_us);
  /// A segment for one of them, by is_for(): also who never was, or is gone, answers it.
  void receive(const handshake::Received<kFamily>& received, std::uint64_t now_us);
  [[nodiscard]] bool is_for(const handshake::FourTuple<kFamily>& tuple) const;
  /// Nobody is to be started any more, and nobody is under way.
  [[nodiscard]] bool are_done() const { return started_ == schedule_.size() && under_way_ == 0; }
  /// Of answers, in order and each byte once, by those who wait for one: all until now.
  [[nodiscard]] std::uint64_t answer_bytes() const { return answer_bytes_; }

 private:
  struct Client {
    handshake::Path<kFamily> path{};
    handshake::Tcb tcb{};
    std::size_t number = 0;
    std::uint64_t deadline_us = 0;   // its patience ends
    std::uint64_t leaves_us = 0;     // its stay ends
    std::uint64_t queued_us = 0;     // when it is looked at next, on the agenda
    handshake::Segment pending{};    // its request, then its FIN: sent again until acknowledged
    TextTimer again{};               // of `pending`
    std::uint32_t answer_bytes = 0;  // of the expected answer, those that came
    std::uint8_t syns = 0;
    bool connected = false, asked = false, answered = false, closing = false, ended = false;
    bool bad_syn_ack = false;
  };
  using Key = Agenda::Key;  // address number and port

  [[nodiscard]] std::pair<wire::Address<kFamily>, Key> place_of(std::uint64_t n) const;
  [[nodiscard]] Key key_of(const wire::Address<kFamily>& address, wire::Port port) const;
  void start(const Start& start, std::uint64_t now_us);
  void progress(Client& client, std::uint64_t now_us);
  void take_text(Client& client, std::span<const std::byte> text, std::uint64_t now_us);
  void succeed(Client& client, std::uint64_t now_us);
  void ask(Client& client, std::uint64_t now_us);
  void close_half(Client& client, std::uint64_t now_us);
  void say(Client& client, std::uint64_t now_us);
  void give_up(Client& client, std::uint64_t now_us);
  void end(Client& client, Outcome outcome, bool closed, std::uint64_t now_us);
  void plan(Key key, Client& client);
  void transmit(const Client& client, const handshake::Segment& segment, ClientEvents* ack_wanted = nullptr);
  void refuse(const handshake::Received<kFamily>& received);

  Settings settings_;
  std::span<const Start> schedule_;
  handshake::IsnGenerator isns_;
  Send send_;
  ClientEvents& events_;
  std::uint64_t address_count_;  // how many of the prefix they use
  std::size_t last_byte_;        // of an address in which they differ
  std::size_t started_ = 0, under_way_ = 0;
  std::unordered_map<Key, Client> clients_;  // those that ended stay a while for late segments
  Agenda agenda_;
  std::uint64_t answer_bytes_ = 0;
};

}  // namespace synward::load
