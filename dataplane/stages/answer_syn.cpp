// SYNs become SYN-ACKs (RFC 9293 3.10.7.2, RFC 4987 3.6). Reads no connection and writes none: this is what
// makes a flood harmless.
#include <algorithm>

#include "dataplane/cookie/cookie.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward {
namespace {

using wire::Family;

/// What is kept of one SYN while the cookies of all are made: its own bytes are overwritten by the answer.
struct Question {
  LaneIndex lane;
  wire::SeqNum isn;
  std::uint32_t tsval;
};

/// What the client asked for, as far as the service grants it. ECN is never granted: the acceptor does not
/// echo congestion marks, and an ECE in the SYN-ACK would promise that it does (RFC 3168 6.1.1).
template <Family kFamily>
cookie::ClientOptions granted(const wire::TcpOptions& options, const service::Profile& profile) {
  return {.mss = options.mss().value_or(cookie::kDefaultMss<kFamily>),
          .window_scale = options.window_scale(),
          .sack_permitted = options.sack_permitted() && profile.sack,
          .timestamps = options.timestamps().has_value() && profile.timestamps};
}

template <Family kFamily>
void send_syn_ack(Burst& burst, const Question& question, const cookie::ClientOptions& client,
                  const cookie::Cookie& cookie, const service::Profile& profile) {
  wire::SynOptions offer{.mss = profile.mss, .sack_permitted = client.sack_permitted};
  if (client.window_scale) offer.window_scale = profile.window_scale;
  if (client.timestamps) offer.timestamps = wire::TcpTimestamps{cookie.tsval, question.tsval};
  std::array<std::byte, wire::kMaxSynOptionBytes> options;
  const std::size_t bytes = wire::write_syn_options(options.data(), offer);
  send_reply<kFamily>(burst, question.lane,
                      {.seq = cookie.isn,
                       .ack = question.isn + 1,  // never data that came with the SYN: nothing keeps it
                       .flags = wire::TcpFlags::kSyn | wire::TcpFlags::kAck,
                       // The window of a SYN-ACK is never scaled (RFC 7323 2.2).
                       .window = static_cast<std::uint16_t>(std::min<std::uint32_t>(profile.window, 0xffff)),
                       .options = std::span{options}.first(bytes)});
}

/// Three passes: read all questions, make all cookies at once so that the AES rounds of many overlap, write
/// all answers.
template <Family kFamily>
void answer(Burst& burst, CoreState& core) {
  Lane<Question> questions;
  Lane<cookie::Message<kFamily>> messages;
  Lane<cookie::ClientOptions> clients;
  Lane<cookie::Cookie> cookies;
  std::size_t n = 0;
  for (const LaneIndex i : burst.on(Routes<kFamily>::kSyn).take()) {
    const auto& ip = ip_header<kFamily>(burst, i);
    const wire::TcpHeader& tcp = tcp_header(burst, i);
    const wire::TcpOptions options = wire::parse_tcp_options(wire::options(tcp));
    clients[n] = granted<kFamily>(options, (*core.services)[burst.view[i].service].profile);
    if (clients[n].mss < cookie::kLeastMss) {
      drop_lane(burst, i, Drop::kMssTooSmall);
      continue;
    }
    const auto timestamps = options.timestamps();
    questions[n] = {i, wire::SeqNum{tcp.seq}, timestamps ? timestamps->tsval : 0};
    cookie::fill_message<kFamily>(messages[n], ip.source, ip.destination, tcp.src_port, tcp.dst_port,
                                  questions[n].isn);
    ++n;
  }
  if (n == 0) return;
  cookie::make_cookies<kFamily>(core.keys, messages.data(), clients.data(), cookies.data(), n);
  for (std::size_t q = 0; q < n; ++q) {
    const auto service = burst.view[questions[q].lane].service;
    send_syn_ack<kFamily>(burst, questions[q], clients[q], cookies[q], (*core.services)[service].profile);
  }
  core.tally.add(Event::kSynAnswered, n);
}

}  // namespace

void answer_syn(Burst& burst, CoreState& core) {
  answer<Family::kIpv4>(burst, core);
  answer<Family::kIpv6>(burst, core);
}

}  // namespace synward
