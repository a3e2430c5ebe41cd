#include "bench/load/memory_clients.hpp"

#include <array>
#include <utility>

namespace synward::load {
namespace {

using namespace handshake;
using wire::Family;

constexpr std::uint64_t kAgainUs = 200'000, kLookUs = 10'000;
constexpr std::uint16_t kFirstPort = 10'000, kPorts = 50'000;

}  // namespace

template <Family kFamily>
MemoryClients<kFamily>::MemoryClients(const Settings& settings, const Pace& pace,
                                      const crypto::AesBlock& secret, Send send, ClientLog& log)
    : settings_{settings},
      pace_{pace},
      isns_{crypto::best_aes(), secret},
      send_{std::move(send)},
      log_{log} {}

template <Family kFamily>
void MemoryClients<kFamily>::turn(std::uint64_t now_us) {
  for (const std::uint64_t due = pace_.due(now_us); started_ < due; ++started_) start(started_, now_us);
  if (now_us < looked_us_ + kLookUs) return;
  looked_us_ = now_us;
  for (auto at = clients_.begin(); at != clients_.end();) {
    Client& client = at->second;
    const bool late = client.deadline_us <= now_us;
    if (late && !client.ended) {
      log_.failed(client.connected ? Failure::kCloseTimeout : Failure::kConnectTimeout);
      end(client);
    }
    if (!late) progress(client, now_us);
    at = late ? clients_.erase(at) : std::next(at);
  }
}

template <Family kFamily>
void MemoryClients<kFamily>::start(std::uint64_t number, std::uint64_t now_us) {
  log_.started();
  const wire::Port port{static_cast<std::uint16_t>(kFirstPort + number % kPorts)};
  Client& client = clients_.try_emplace(port.host(), Client{.ended = true}).first->second;
  if (!client.ended) return log_.failed(Failure::kLocal);  // every port is in use
  ++under_way_;
  client = {};
  client.path = {settings_.link.local,
                 settings_.link.remote,
                 {settings_.client, settings_.service, port, settings_.port}};
  client.intended_us = pace_.time_of(number);
  client.deadline_us = after(client.intended_us, settings_.patience_s);
  EndpointOptions options;
  options.family = kFamily;
  if constexpr (kFamily == Family::kIpv6) options.mss = 1440;
  transmit(client,
           open_active(client.tcb, options, isns_.initial_numbers(client.path.tuple, now_us), now_us));
}

/// Whatever time asks for: the SYN again, the line or the FIN again, or the FIN.
template <Family kFamily>
void MemoryClients<kFamily>::progress(Client& client, std::uint64_t now_us) {
  if (client.ended) return;
  if (const auto again = on_timer(client.tcb, now_us)) transmit(client, *again);
  if (!client.connected) return;
  if (client.tcb.snd_una == client.tcb.snd_nxt) {
    if (!client.closing && client.leaves_us <= now_us) close_half(client, now_us);
  } else if (client.again_us <= now_us) {
    client.again_us = now_us + kAgainUs;
    transmit(client, client.pending);
  }
}

template <Family kFamily>
bool MemoryClients<kFamily>::receive(std::span<const std::byte> frame, std::uint64_t now_us) {
  const auto received = parse_frame<kFamily>(frame);
  if (!received || received->path.tuple.local != settings_.client) return false;
  const auto at = clients_.find(received->path.tuple.local_port.host());
  if (at == clients_.end() || received->path.tuple != at->second.path.tuple) return false;
  Client& client = at->second;
  const auto outcome = on_segment(client.tcb, received->segment, now_us);
  if (outcome.reply) transmit(client, *outcome.reply);
  if (client.ended) return true;
  if (client.tcb.state == State::kClosed) {
    log_.failed(client.connected ? Failure::kReset : Failure::kRefused);
    end(client);
  } else if (!client.connected && client.tcb.state == State::kEstablished) {
    greet(client, now_us);
  } else if (client.closing && client.tcb.state == State::kCloseWait &&
             client.tcb.snd_una == client.tcb.snd_nxt) {
    log_.closed();
    end(client);
  }
  return true;
}

template <Family kFamily>
void MemoryClients<kFamily>::greet(Client& client, std::uint64_t now_us) {
  log_.connected(now_us - client.intended_us);
  client.connected = true;
  client.leaves_us = after(now_us, settings_.stay_s);
  client.deadline_us = after(client.leaves_us, settings_.patience_s);
  say(client, kClientLine.size(), now_us);
  transmit(client, client.pending);
}

/// The state machine is about opening: our FIN is here, one number of sequence space.
template <Family kFamily>
void MemoryClients<kFamily>::close_half(Client& client, std::uint64_t now_us) {
  client.closing = true;
  client.deadline_us = after(now_us, settings_.patience_s);
  say(client, 0, now_us);
  client.pending.flags |= wire::TcpFlags::kFin;
  client.tcb.snd_nxt += 1;
  transmit(client, client.pending);
}

template <Family kFamily>
void MemoryClients<kFamily>::say(Client& client, std::uint16_t text_bytes, std::uint64_t now_us) {
  client.pending = send_text(client.tcb, text_bytes, now_us).value();
  client.again_us = now_us + kAgainUs;
}

template <Family kFamily>
void MemoryClients<kFamily>::end(Client& client) {
  client.ended = true;
  --under_way_;
}

template <Family kFamily>
void MemoryClients<kFamily>::transmit(const Client& client, const Segment& segment) {
  std::array<std::byte, kMaxHeaderBytes<kFamily> + kClientLine.size()> frame;
  const auto text = std::as_bytes(std::span{kClientLine}).first(segment.text_bytes);
  send_(build_frame(client.path, segment, text, frame));
}

template class MemoryClients<Family::kIpv4>;
template class MemoryClients<Family::kIpv6>;

}  // namespace synward::load
