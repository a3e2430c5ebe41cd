#include "bench/load/backend.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace synward::load {
namespace {

using namespace handshake;
using wire::Family;
using Flags = wire::TcpFlags;

constexpr std::uint64_t kSilenceUs = 60'000'000;
constexpr std::uint32_t kMostUnderWay = 10;  // segments
constexpr std::size_t kMostText = 1460;

/// Which connection it is, but for one in 2^64.
template <Family kFamily>
std::uint64_t key_of(const FourTuple<kFamily>& tuple) {
  std::uint64_t key = std::uint64_t{tuple.remote_port.host()} << 32;
  for (std::size_t at = 0; at < sizeof tuple.remote; at += sizeof(std::uint32_t)) {
    std::uint32_t part;
    std::memcpy(&part, tuple.remote.bytes.data() + at, sizeof part);
    key = (key ^ part) * 0x9e37'79b9'7f4a'7c15;
    key ^= key >> 29;
  }
  return key;
}

/// The longest text of a segment to that peer.
std::uint32_t most_text(const Tcb& tcb) {
  const std::size_t options = tcb.agreed.ts_ok ? wire::kTimestampsBytes : 0;
  return static_cast<std::uint32_t>(std::min(kMostText, tcb.agreed.send_mss - options));
}

}  // namespace

template <Family kFamily>
Backend<kFamily>::Backend(const wire::Address<kFamily>& address, wire::Port port,
                          const BackendManners& manners, const crypto::AesBlock& secret, Send send)
    : address_{address},
      port_{port},
      manners_{manners},
      isns_{crypto::best_aes(), secret},
      send_{std::move(send)} {}

template <Family kFamily>
void Backend<kFamily>::turn(std::uint64_t now_us) {
  while (const auto entry = agenda_.next(now_us)) {
    const auto at = connections_.find(entry->key);
    if (at == connections_.end() || at->second.queued_us != entry->due_us) continue;
    Connection& connection = at->second;
    connection.queued_us = 0;
    if (const auto again = on_timer(connection.tcb, now_us)) transmit(connection.path, *again);
    if (is_gone(connection) || connection.silent_us <= now_us) {
      connections_.erase(at);
      continue;
    }
    if (connection.again.due_us() <= now_us && !all_acknowledged(connection.tcb))
      say_again(connection, now_us);
    plan(entry->key, connection);
  }
}

template <Family kFamily>
void Backend<kFamily>::receive(const Received<kFamily>& received, std::uint64_t now_us) {
  const Key key = key_of(received.path.tuple);
  const auto at = connections_.find(key);
  if (at == connections_.end() || at->second.path.tuple != received.path.tuple)
    return listen(key, received, now_us);
  Connection& connection = at->second;
  const wire::SeqNum before = connection.tcb.snd_una;
  const auto outcome = on_segment(connection.tcb, received.segment, now_us);
  if (is_gone(connection)) {
    if (outcome.reply) transmit(received.path, *outcome.reply);
    connections_.erase(at);
    return;
  }
  connection.silent_us = now_us + kSilenceUs;
  if (connection.tcb.snd_una != before) connection.again.start(now_us);
  const bool established = connection.tcb.state != State::kSynReceived;
  if (outcome.text_bytes != 0 || (established && manners_.speaks_first)) connection.asked = true;
  const wire::SeqNum said_before = connection.tcb.snd_nxt;
  if (established) progress(connection, now_us);
  // What was said acknowledges, too.
  if (outcome.reply && connection.tcb.snd_nxt == said_before) transmit(connection.path, *outcome.reply);
  if (connection.closing && all_acknowledged(connection.tcb)) {
    connections_.erase(at);
    return;
  }
  plan(key, connection);
}

/// Of somebody who is not known: a SYN makes him known.
template <Family kFamily>
void Backend<kFamily>::listen(Key key, const Received<kFamily>& received, std::uint64_t now_us) {
  Connection fresh;
  EndpointOptions options = endpoint_options<kFamily>();
  options.retries = kSynAckRetries;
  open_passive(fresh.tcb, options);
  fresh.tcb.initial = isns_.initial_numbers(received.path.tuple, now_us);
  const auto outcome = on_segment(fresh.tcb, received.segment, now_us);
  if (fresh.tcb.state != State::kSynReceived) {
    if (outcome.reply) transmit(received.path, *outcome.reply);
    return;
  }
  if (connections_.size() >= kMostConnections || connections_.contains(key)) return;
  fresh.path = received.path;
  fresh.silent_us = now_us + kSilenceUs;
  Connection& connection = connections_.emplace(key, fresh).first->second;
  transmit(connection.path, *outcome.reply);
  plan(key, connection);
}

/// The answer, as far as there is room for it; then, when the client has closed, our FIN.
template <Family kFamily>
void Backend<kFamily>::progress(Connection& connection, std::uint64_t now_us) {
  if (connection.closing) return;
  if (connection.asked) say_more(connection, now_us);
  const bool has_said_it = !connection.asked || connection.said == manners_.answer.size();
  if (connection.tcb.state != State::kCloseWait || !has_said_it || !all_acknowledged(connection.tcb)) return;
  const auto fin = send_fin(connection.tcb, now_us);
  if (!fin) return;
  connection.closing = true;
  connection.again.start(now_us);
  transmit(connection.path, *fin);
}

template <Family kFamily>
void Backend<kFamily>::say_more(Connection& connection, std::uint64_t now_us) {
  const std::uint32_t most = most_text(connection.tcb);
  while (connection.said < manners_.answer.size()) {
    const auto under_way =
        static_cast<std::uint32_t>(wire::distance(connection.tcb.snd_una, connection.tcb.snd_nxt));
    const auto left = static_cast<std::uint32_t>(manners_.answer.size()) - connection.said;
    const std::uint32_t bytes = std::min(most, left);
    if (under_way + bytes > kMostUnderWay * most) return;
    const auto segment = send_text(connection.tcb, static_cast<std::uint16_t>(bytes), now_us);
    if (!segment) return;  // their window is full
    if (under_way == 0) connection.again.start(now_us);
    transmit(connection.path, *segment, connection.said);
    connection.said += bytes;
  }
}

/// All that is under way, text or FIN.
template <Family kFamily>
void Backend<kFamily>::say_again(Connection& connection, std::uint64_t now_us) {
  const Tcb& tcb = connection.tcb;
  if (tcb.state == State::kSynReceived) return;  // that is the state machine's
  connection.again.back_off(now_us);
  const auto under_way = static_cast<std::uint32_t>(wire::distance(tcb.snd_una, tcb.snd_nxt));
  Tcb as_before = tcb;
  as_before.snd_nxt = tcb.snd_una;
  if (connection.closing) {  // then nothing else is under way
    if (const auto fin = send_fin(as_before, now_us)) transmit(connection.path, *fin);
    return;
  }
  for (std::uint32_t at = 0; at < under_way;) {
    const std::uint32_t bytes = std::min(most_text(tcb), under_way - at);
    const auto segment = send_text(as_before, static_cast<std::uint16_t>(bytes), now_us);
    if (!segment) return;
    transmit(connection.path, *segment, connection.said - under_way + at);
    at += bytes;
  }
}

template <Family kFamily>
void Backend<kFamily>::plan(Key key, Connection& connection) {
  std::uint64_t next = std::min(connection.silent_us, connection.tcb.timer.deadline_us());
  if (!all_acknowledged(connection.tcb) && connection.tcb.state != State::kSynReceived)
    next = std::min(next, connection.again.due_us());
  agenda_.plan(key, next, connection.queued_us);
}

template <Family kFamily>
void Backend<kFamily>::transmit(const Path<kFamily>& path, const Segment& segment,
                                std::size_t answer_offset) {
  std::array<std::byte, kMaxHeaderBytes<kFamily> + kMostText> frame;
  const auto text = std::as_bytes(std::span{manners_.answer}).subspan(answer_offset, segment.text_bytes);
  send_(build_frame(path, segment, text, frame));
}

template class Backend<Family::kIpv4>;
template class Backend<Family::kIpv6>;

}  // namespace synward::load
