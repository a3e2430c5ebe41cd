// ICMP errors about segments of spliced connections. Whoever sent the segment knows it by the numbers of its
// own half, and ignores an error that quotes others (RFC 5927 4.1): path MTU discovery would end in a black
// hole. So the quote is turned back into what was sent; the rest of the message speaks of the path, and
// stays.
#include "dataplane/proxy/connection_splice.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/icmp_quote.hpp"

namespace synward {
namespace {

using wire::Family;
using wire::SeqNum;

/// RFC 5927 4.1, as far as one can tell who has not seen the acknowledgments: an attacker off the path who
/// makes errors up must guess, and what it guesses right is still the endpoint's to judge.
bool was_sent(SeqNum seq, SeqNum next) { return proxy::is_near(seq, next) && wire::at_or_before(seq, next); }

/// `from_client_side`: the segment was the backend's, on its way to the client.
void translate_quote(Burst& burst, LaneIndex i, const table::ConnectionState& state, bool from_client_side) {
  const auto& view = burst.view[i];
  const std::span<std::byte> quoted{burst.frame[i] + view.transport, view.transport_bytes};
  const proxy::Splice splice = proxy::splice_of(state);
  const std::uint64_t change = from_client_side ? proxy::quoted_from_client_side(quoted, splice)
                                                : proxy::quoted_from_backend_side(quoted, splice);
  auto& icmp = header_at<wire::IcmpHeader>(burst, i, view.network - wire::kIcmpErrorBytes);
  const std::uint64_t sum = std::uint16_t(~wire::sum_of(icmp.checksum.wire));
  icmp.checksum = wire::finish(wire::add_sums(sum, change));
}

template <Family kFamily>
void translate(Burst& burst, LaneIndex i, CoreState& core, bool from_client_side) {
  auto flow = flow_of<kFamily>(burst, i);
  if (from_client_side) flow = reversed<kFamily>(flow);
  const auto* connection = core.table<kFamily>().find(flow);
  if (connection == nullptr) {  // older than synward: nothing to translate
    core.tally.add(Event::kPassed);
    return burst.on(Route::kForward).push(i);
  }
  const auto& state = connection->state;
  // About our own SYN or SYN-ACK, which the other side has never seen: the timeouts decide.
  if (!state.splice.is_spliced) return void(drop_lane(burst, i, Drop::kIcmpNoBackend));
  const SeqNum next = from_client_side ? state.service_next : state.client_next;
  if (!was_sent(SeqNum{tcp_header(burst, i).seq}, next))
    return void(drop_lane(burst, i, Drop::kIcmpOutOfWindow));
  translate_quote(burst, i, state, from_client_side);
  core.tally.add(Event::kIcmpTranslated);
  burst.on(Route::kForward).push(i);
}

template <Family kFamily>
void translate_family(Burst& burst, CoreState& core) {
  const bool from_client_side = core.ports[burst.port].side == Side::kOutside;
  for (const LaneIndex i : burst.on(Routes<kFamily>::kIcmpError).take())
    translate<kFamily>(burst, i, core, from_client_side);
}

}  // namespace

void translate_icmp(Burst& burst, CoreState& core) {
  translate_family<Family::kIpv4>(burst, core);
  translate_family<Family::kIpv6>(burst, core);
}

}  // namespace synward
