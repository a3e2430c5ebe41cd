// SYNs become SYN-ACKs (RFC 9293 3.10.7.2, RFC 4987 3.6). Reads no connection and writes none: this is what
// makes a flood harmless.
#include <bit>
#include <cstddef>
#include <emmintrin.h>  // SSE2: part of x86-64

#include "dataplane/cookie/cookie.hpp"
#include "dataplane/stages/backend_promise.hpp"
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
  proxy::Promise promise;
};

/// What the client asked for, as far as it is promised. A cookie keeps ECN beside timestamps only.
template <Family kFamily>
cookie::ClientOptions granted(const wire::TcpOptions& options, std::uint8_t flags,
                              const proxy::Promise& promise) {
  const bool timestamps = options.timestamps().has_value() && promise.timestamps;
  return {.mss = options.mss().value_or(cookie::kDefaultMss<kFamily>),
          .window_scale = promise.window_scale ? options.window_scale() : std::nullopt,
          .sack_permitted = options.sack_permitted() && promise.sack,
          .timestamps = timestamps,
          .ecn = timestamps && promise.ecn && (flags & kEcnSetup) == kEcnSetup};
}

template <Family kFamily>
void send_syn_ack(Burst& burst, const Question& question, const cookie::ClientOptions& client,
                  const cookie::Cookie& cookie) {
  wire::SynOptions offer{.mss = question.promise.mss, .sack_permitted = client.sack_permitted};
  if (client.window_scale) offer.window_scale = question.promise.window_scale;
  if (client.timestamps) offer.timestamps = wire::TcpTimestamps{cookie.tsval, question.tsval};
  std::array<std::byte, wire::kMaxSynOptionBytes> options;
  const std::size_t bytes = wire::write_syn_options(options.data(), offer);
  send_reply<kFamily>(burst, question.lane,
                      {.seq = cookie.isn,
                       .ack = question.isn + 1,  // never data that came with the SYN: nothing keeps it
                       .flags = static_cast<std::uint8_t>(wire::TcpFlags::kSyn | wire::TcpFlags::kAck |
                                                          (client.ecn ? wire::TcpFlags::kEce : 0)),
                       .window = question.promise.window,  // of a SYN-ACK it is never scaled (RFC 7323 2.2)
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
  const bool is_inline = core.is_inline();
  BackendNow<kFamily> backend;
  std::size_t n = 0;
  for (const LaneIndex i : burst.on(Routes<kFamily>::kSyn).take()) {
    const auto& ip = ip_header<kFamily>(burst, i);
    const wire::TcpHeader& tcp = tcp_header(burst, i);
    const wire::TcpOptions options = wire::parse_tcp_options(wire::options(tcp));
    if (options.mss().value_or(cookie::kDefaultMss<kFamily>) < cookie::kLeastMss) {
      drop_lane(burst, i, Drop::kMssTooSmall);
      continue;
    }
    const auto promise =
        is_inline ? ask_backend<kFamily>(burst, i, core, asked_options(options, tcp.flags), backend)
                  : std::optional{promise_of_acceptor((*core.services)[burst.view[i].service].profile)};
    if (!promise) continue;
    clients[n] = granted<kFamily>(options, tcp.flags, *promise);
    const auto timestamps = options.timestamps();
    questions[n] = {i, wire::SeqNum{tcp.seq}, timestamps ? timestamps->tsval : 0, *promise};
    cookie::fill_message<kFamily>(messages[n], ip.source, ip.destination, tcp.src_port, tcp.dst_port,
                                  questions[n].isn);
    ++n;
  }
  if (n == 0) return;
  cookie::make_cookies<kFamily>(core.keys, messages.data(), clients.data(), cookies.data(), n);
  for (std::size_t q = 0; q < n; ++q) send_syn_ack<kFamily>(burst, questions[q], clients[q], cookies[q]);
  core.tally.add(Event::kSynAnswered, n);
}

/// All of a full burst's lanes.
void fill(std::uint32_t (&lanes)[kBurstMax], std::uint32_t value) {
  const __m128i four = _mm_set1_epi32(static_cast<int>(value));
  for (std::size_t i = 0; i < kBurstMax; i += 4) _mm_store_si128(reinterpret_cast<__m128i*>(lanes + i), four);
}

/// What the acceptor promises each of `syns`. Under a flood that is one promise, written to all lanes at
/// once.
void promise_for_acceptor(Burst& burst, const CoreState& core, const IndexList& syns) {
  simd::SynBatch& batch = burst.common_syns.batch;
  if (syns.size() == kBurstMax && burst.for_one_service) {
    const PromiseWords promise = core.policy->acceptor_promises[burst.view[0].service];
    fill(batch.promised, promise.promised);
    fill(batch.mss_and_window, promise.mss_and_window);
    return;
  }
  for (const LaneIndex i : syns) core.policy->acceptor_promises[burst.view[i].service].put(batch, i);
}

/// What their backends promise. The lanes to whom they promise nothing go elsewhere.
template <Family kFamily>
void promise_for_backend(Burst& burst, CoreState& core, IndexList& syns) {
  simd::SynBatch& batch = burst.common_syns.batch;
  BackendNow<kFamily> backend;
  syns.keep_if([&](LaneIndex i) {
    const auto asked = static_cast<std::uint8_t>(batch.offered[i] & 15);
    const auto promise = ask_backend<kFamily>(burst, i, core, asked, backend);
    if (!promise) return false;
    PromiseWords{*promise}.put(batch, i);
    return true;
  });
}

template <Family kFamily>
void promise(Burst& burst, CoreState& core, IndexList& syns) {
  if (core.is_inline()) {
    promise_for_backend<kFamily>(burst, core, syns);
  } else {
    promise_for_acceptor(burst, core, syns);
  }
}

/// Reads what SYNs of no common layout offer. Those that offer too little end.
template <Family kFamily>
void read_odd(Burst& burst, const CoreState& core, IndexList& syns) {
  static_assert(kFrameSlack >= simd::kOptionsRead - sizeof(wire::TcpHeader));
  Lane<const std::byte*> tcp;
  for (const LaneIndex i : syns) tcp[i] = burst.frame[i] + burst.view[i].transport;
  simd::SynBatch& batch = burst.common_syns.batch;
  core.kernels->read({tcp.data(), syns.begin(), syns.size(), cookie::kDefaultMss<kFamily>}, batch);
  syns.keep_if([&](LaneIndex i) {
    return batch.offered[i] >> simd::SynTerms::kMssBit >= cookie::kLeastMss ||
           drop_lane(burst, i, Drop::kMssTooSmall);
  });
}

/// Ports and sequence number go where the kernel looks for them: to where they would be if the IP header had
/// no options, and nothing followed it. The rest of the SYN has been read.
template <Family kFamily>
LanesByLink::Lanes pull_up(Burst& burst, const IndexList& syns) {
  struct Beginning {
    wire::Port source, destination;
    wire::BigEndian32 seq;
  };
  LanesByLink::Lanes lanes{};
  for (const LaneIndex i : syns) {
    const std::size_t network = burst.view[i].network, transport = burst.view[i].transport;
    const std::size_t wanted = network + sizeof(IpHeader<kFamily>);
    if (transport != wanted)
      header_at<Beginning>(burst, i, wanted) = Beginning{header_at<Beginning>(burst, i, transport)};
    lanes[LanesByLink::tags(network)] |= lane_bit(i);
  }
  return lanes;
}

/// The same where there is a kernel: for the SYNs that match_common() has read, and for all others. (The
/// lanes behind the last are as kernels want them, for where match_common() did not see to that, no SYN is
/// answered: it was handed over to go to its backend.)
template <Family kFamily>
void answer_by_kernel(Burst& burst, CoreState& core) {
  IndexList& common = burst.on(Routes<kFamily>::kCommonSyn);
  IndexList& odd = burst.on(Routes<kFamily>::kSyn);
  LanesByLink::Lanes lanes{};
  if (!common.empty()) {
    promise<kFamily>(burst, core, common);
    const simd::LaneBits alive = common.bits();
    const auto& found = burst.common_syns.of<kFamily>();
    for (std::size_t tags = 0; tags < found.size(); ++tags) lanes[tags] = found[tags] & alive;
  }
  if (!odd.empty()) {
    read_odd<kFamily>(burst, core, odd);
    promise<kFamily>(burst, core, odd);
    const LanesByLink::Lanes found = pull_up<kFamily>(burst, odd);
    for (std::size_t tags = 0; tags < found.size(); ++tags) lanes[tags] |= found[tags];
  }
  const cookie::Slot slot = core.keys.current();
  const simd::SynMint mint{.key = &core.keys.key<kFamily>(slot),
                           .slot_parity = slot.parity(),
                           .wall_ms = static_cast<std::uint32_t>(core.keys.wall_ms())};
  const simd::Frames frames{burst.frame.data(), burst.frame_bytes.data(), burst.size};
  for (std::size_t tags = 0; tags < lanes.size(); ++tags) {
    if (lanes[tags] == 0) continue;
    core.kernels->answer<kFamily>()(frames, LanesByLink::network(tags), lanes[tags], burst.common_syns.batch,
                                    mint);
  }
  core.tally.add(Event::kSynAnswered, common.size() + odd.size());
  for (IndexList* syns : {&common, &odd}) burst.on(Route::kSend).push_all_of(*syns);
}

template <Family kFamily>
void answer_family(Burst& burst, CoreState& core) {
  if (burst.on(Routes<kFamily>::kCommonSyn).empty() && burst.on(Routes<kFamily>::kSyn).empty()) return;
  if (core.kernels == nullptr) {
    answer<kFamily>(burst, core);
  } else {
    answer_by_kernel<kFamily>(burst, core);
  }
}

}  // namespace

void answer_syn(Burst& burst, CoreState& core) {
  answer_family<Family::kIpv4>(burst, core);
  answer_family<Family::kIpv6>(burst, core);
}

}  // namespace synward
