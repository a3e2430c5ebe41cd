#include "bench/load/clients.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace synward::load {
namespace {

using namespace handshake;
using wire::Family;
using Flags = wire::TcpFlags;

constexpr std::uint64_t kLingerUs = 1'000'000;  // who ended still acknowledges what is sent to him again
constexpr std::uint16_t kFirstPort = 10'000, kPorts = 50'000;
constexpr unsigned kPortBits = 16, kMostHostBits = 16;

/// The last bit of an address in which clients differ, counted from the first. Over IPv6 each comes from a
/// /64 of its own where the prefix has several, as clients of the Internet do; else from one network.
unsigned last_bit(Family family, unsigned prefix_bits) {
  if (family == Family::kIpv4) return 32;
  return prefix_bits < 64 ? 64 : 128;
}

/// Addresses of a prefix that clients use: over IPv4 not the first and the last, which Linux takes for
/// broadcasts where the prefix is a network's.
std::uint64_t usable_addresses(Family family, unsigned bits) {
  const unsigned host_bits = std::min(last_bit(family, bits) - bits, kMostHostBits);
  const std::uint64_t all = std::uint64_t{1} << host_bits;
  return host_bits < 2 ? all : all - 2;
}

}  // namespace

template <Family kFamily>
Clients<kFamily>::Clients(Settings settings, std::span<const Start> schedule, const crypto::AesBlock& secret,
                          Send send, ClientEvents& events)
    : settings_{std::move(settings)},
      schedule_{schedule},
      isns_{crypto::best_aes(), secret},
      send_{std::move(send)},
      events_{events},
      address_count_{usable_addresses(kFamily, settings_.addresses.bits())},
      last_byte_{last_bit(kFamily, settings_.addresses.bits()) / 8 - 1} {}

/// Client n comes from address n modulo their number, and from the next port when all have had their turn.
template <Family kFamily>
auto Clients<kFamily>::place_of(std::uint64_t n) const -> std::pair<wire::Address<kFamily>, Key> {
  auto address = std::get<wire::Address<kFamily>>(settings_.addresses.address());
  const std::uint64_t host = n % address_count_ + (address_count_ > 2 ? 1 : 0);
  for (std::size_t byte = 0; byte < 4; ++byte)
    address.bytes[last_byte_ - byte] |= static_cast<std::uint8_t>(host >> 8 * byte);
  if (last_byte_ + 1 < address.bytes.size()) address.bytes.back() |= 1;  // of a network that is all its own
  const auto port = static_cast<std::uint16_t>(kFirstPort + n / address_count_ % kPorts);
  return {address, key_of(address, wire::Port{port})};
}

template <Family kFamily>
auto Clients<kFamily>::key_of(const wire::Address<kFamily>& address, wire::Port port) const -> Key {
  Key number = 0;  // clients differ in these 32 bits
  for (std::size_t byte = last_byte_ - 3; byte <= last_byte_; ++byte)
    number = number << 8 | address.bytes[byte];
  return number << kPortBits | port.host();
}

template <Family kFamily>
bool Clients<kFamily>::is_for(const FourTuple<kFamily>& tuple) const {
  return tuple.remote == settings_.service && tuple.remote_port == settings_.port &&
         contains(settings_.addresses.prefix(), IpAddress{tuple.local});
}

template <Family kFamily>
void Clients<kFamily>::turn(std::uint64_t now_us) {
  for (; started_ < schedule_.size() && schedule_[started_].intended_us <= now_us; ++started_)
    start(schedule_[started_], now_us);
  while (const auto entry = agenda_.next(now_us)) {
    const auto at = clients_.find(entry->key);
    if (at == clients_.end() || at->second.queued_us != entry->due_us) continue;
    Client& client = at->second;
    if (client.ended && client.deadline_us <= now_us) {
      clients_.erase(at);
      continue;
    }
    if (!client.ended) progress(client, now_us);
    client.queued_us = 0;
    plan(entry->key, client);
  }
}

template <Family kFamily>
void Clients<kFamily>::start(const Start& start, std::uint64_t now_us) {
  const auto [address, key] = place_of(started_);
  Client& client = clients_.try_emplace(key, Client{.ended = true}).first->second;
  if (!client.ended) return events_.ended(start.client, Outcome::kNoTuple, false);
  ++under_way_;
  client = {};
  client.number = start.client;
  const wire::Port port{static_cast<std::uint16_t>(key)};
  client.path = {
      settings_.link.local, settings_.link.remote, {address, settings_.service, port, settings_.port}};
  client.deadline_us = start.intended_us + settings_.manners.patience_us;
  const Segment syn = open_active(client.tcb, endpoint_options<kFamily>(),
                                  isns_.initial_numbers(client.path.tuple, now_us), now_us);
  transmit(client, syn);
  events_.sent_syn(client.number, ++client.syns, now_us);
  plan(key, client);
}

/// When something is to happen next, it will be looked at: then, or sooner.
template <Family kFamily>
void Clients<kFamily>::plan(Key key, Client& client) {
  std::uint64_t next = client.deadline_us;
  if (!client.ended) {
    next = std::min(next, client.tcb.timer.deadline_us());
    if (client.connected && !all_acknowledged(client.tcb)) next = std::min(next, client.again.due_us());
    if (client.leaves_us != 0 && !client.closing) next = std::min(next, client.leaves_us);
  }
  agenda_.plan(key, next, client.queued_us);
}

/// Whatever time asks for.
template <Family kFamily>
void Clients<kFamily>::progress(Client& client, std::uint64_t now_us) {
  if (client.deadline_us <= now_us) return give_up(client, now_us);
  if (const auto again = on_timer(client.tcb, now_us)) {
    transmit(client, *again);
    events_.sent_syn(client.number, ++client.syns, now_us);
  }
  if (!client.connected) return;
  if (!all_acknowledged(client.tcb)) {
    if (client.again.due_us() > now_us) return;
    client.again.back_off(now_us);
    return transmit(client, client.pending);
  }
  if (!client.asked) ask(client, now_us);
  if (client.leaves_us != 0 && client.leaves_us <= now_us && !client.closing && all_acknowledged(client.tcb))
    close_half(client, now_us);
}

template <Family kFamily>
void Clients<kFamily>::receive(const Received<kFamily>& received, std::uint64_t now_us) {
  const Key key = key_of(received.path.tuple.local, received.path.tuple.local_port);
  const auto at = clients_.find(key);
  if (at == clients_.end() || received.path.tuple != at->second.path.tuple) return refuse(received);
  Client& client = at->second;
  const bool syn_ack = received.segment.has(Flags::kSyn) && received.segment.has(Flags::kAck);
  const auto outcome = on_segment(client.tcb, received.segment, now_us);
  const bool connects = !client.connected && client.tcb.state == State::kEstablished;
  if (outcome.reply) transmit(client, *outcome.reply, connects ? &events_ : nullptr);
  if (client.ended) return;
  if (syn_ack && outcome.verdict == Verdict::kBadAck && !client.connected) client.bad_syn_ack = true;
  if (client.tcb.state == State::kClosed) {
    const bool has_its_answer = settings_.manners.asks && client.answered;
    return end(client, has_its_answer ? Outcome::kSucceeded : Outcome::kReset, false, now_us);
  }
  if (connects) {
    client.connected = true;
    events_.connected(client.number, now_us);
    if (!settings_.manners.asks) succeed(client, now_us);
  }
  if (outcome.text_bytes != 0)
    take_text(client, received.text.subspan(outcome.text_offset, outcome.text_bytes), now_us);
  if (client.ended) return;
  const bool theirs_is_closed = client.tcb.state == State::kCloseWait;
  if (theirs_is_closed && settings_.manners.asks && !client.answered) {
    give_up(client, now_us);
  } else if (client.closing && theirs_is_closed && all_acknowledged(client.tcb)) {
    end(client, Outcome::kSucceeded, true, now_us);
  } else if (client.connected) {
    progress(client, now_us);
  }
  plan(key, client);
}

/// The answer, as far as it is looked at; the rest is acknowledged and forgotten.
template <Family kFamily>
void Clients<kFamily>::take_text(Client& client, std::span<const std::byte> text, std::uint64_t now_us) {
  if (!settings_.manners.asks || client.answered) return;
  if (client.answer_bytes == 0) events_.first_byte(client.number, now_us);
  const auto expected =
      std::as_bytes(std::span{settings_.manners.expect})
          .subspan(std::min<std::size_t>(client.answer_bytes, settings_.manners.expect.size()));
  const std::size_t common = std::min(expected.size(), text.size());
  client.answer_bytes += static_cast<std::uint32_t>(text.size());
  answer_bytes_ += text.size();
  if (!std::ranges::equal(expected.first(common), text.first(common))) {
    transmit(client, {.seq = client.tcb.snd_nxt, .flags = Flags::kRst});
    return end(client, Outcome::kWrongData, false, now_us);
  }
  const bool begins_as_it_should = common == expected.size();
  if (begins_as_it_should && client.answer_bytes >= settings_.manners.answer_bytes) succeed(client, now_us);
}

/// What is left is to stay, and to close.
template <Family kFamily>
void Clients<kFamily>::succeed(Client& client, std::uint64_t now_us) {
  client.answered = true;
  client.leaves_us = now_us + settings_.manners.stay_us;
  client.deadline_us = client.leaves_us + settings_.manners.patience_us;
}

/// The request, if there is one; not into a window that has no room for it: it is tried again when the other
/// end says more.
template <Family kFamily>
void Clients<kFamily>::ask(Client& client, std::uint64_t now_us) {
  const auto bytes = static_cast<std::uint16_t>(settings_.manners.request.size());
  if (bytes != 0) {
    const auto segment = send_text(client.tcb, bytes, now_us);
    if (!segment) return;
    client.pending = *segment;
    say(client, now_us);
  }
  client.asked = true;
}

template <Family kFamily>
void Clients<kFamily>::close_half(Client& client, std::uint64_t now_us) {
  const auto segment = send_fin(client.tcb, now_us);
  if (!segment) return;
  client.closing = true;
  client.deadline_us = now_us + settings_.manners.patience_us;
  client.pending = *segment;
  say(client, now_us);
}

template <Family kFamily>
void Clients<kFamily>::say(Client& client, std::uint64_t now_us) {
  client.again.start(now_us);
  transmit(client, client.pending);
}

/// Its patience is over, or what it waits for can come no more.
template <Family kFamily>
void Clients<kFamily>::give_up(Client& client, std::uint64_t now_us) {
  if (client.connected) transmit(client, {.seq = client.tcb.snd_nxt, .flags = Flags::kRst});
  const Outcome outcome = client.answered      ? Outcome::kSucceeded
                          : client.connected   ? Outcome::kNoData
                          : client.bad_syn_ack ? Outcome::kBadSynAck
                                               : Outcome::kNoSynAck;
  end(client, outcome, false, now_us);
}

template <Family kFamily>
void Clients<kFamily>::end(Client& client, Outcome outcome, bool closed, std::uint64_t now_us) {
  client.ended = true;
  client.tcb.timer.stop();
  client.deadline_us = now_us + kLingerUs;
  --under_way_;
  events_.ended(client.number, outcome, closed);
}

template <Family kFamily>
void Clients<kFamily>::transmit(const Client& client, const Segment& segment, ClientEvents* ack_wanted) {
  std::array<std::byte, kMaxHeaderBytes<kFamily> + kMaxRequestBytes> frame;
  const auto text = std::as_bytes(std::span{settings_.manners.request}).first(segment.text_bytes);
  const auto built = build_frame(client.path, segment, text, frame);
  send_(built);
  if (ack_wanted != nullptr) ack_wanted->sent_ack(built);
}

/// Nobody of ours waits for it (RFC 9293 3.10.7.1).
template <Family kFamily>
void Clients<kFamily>::refuse(const Received<kFamily>& received) {
  if (received.segment.has(Flags::kRst)) return;
  std::array<std::byte, kMaxHeaderBytes<kFamily>> frame;
  send_(build_frame(received.path, reset_for(received.segment), {}, frame));
}

template class Clients<Family::kIpv4>;
template class Clients<Family::kIpv6>;

}  // namespace synward::load
