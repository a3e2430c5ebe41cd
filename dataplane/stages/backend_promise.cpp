#include "dataplane/stages/backend_promise.hpp"

#include "dataplane/cookie/option_tables.hpp"
#include "dataplane/stages/classify_segment.hpp"

namespace synward {
namespace {

using wire::Family;
using Flags = wire::TcpFlags;

/// The SYN goes on to its backend as it is, by the core that will see the answer.
template <Family kFamily>
void pass_syn(Burst& burst, LaneIndex i, CoreState& core, std::uint8_t asked) {
  if (hand_over<kFamily, Side::kOutside>(burst, i, core)) return;
  core.passed_syns.remember(table::hash<kFamily>(flow_of<kFamily>(burst, i), core.secret), asked);
  core.tally.add(Event::kSynPassed);
  burst.on(Route::kForward).push(i);
}

/// Whether a SYN passes for the sake of an option that its SYN-ACK would not have: one that nobody asked this
/// backend for yet, or that it declined. It may have done so while its queue was full, with SYN cookies of
/// its own, so it is asked again, but seldom: for good it declines only what it does not know.
bool may_ask(CoreState& core, std::uint8_t asked, const proxy::Promise& promise) {
  if ((asked & ~promise.known) != 0 && core.asking_options.take(core.now.mono_ms)) return true;
  return (asked & promise.known & ~agreed_options(promise)) != 0 &&
         core.asking_again.take(core.now.mono_ms / kAskingAgainSeconds);
}

/// RFC 9293 3.10.7.1: what the backend would say, if it could.
template <Family kFamily>
void reset_syn(Burst& burst, LaneIndex i, CoreState& core) {
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  const auto text = static_cast<std::uint32_t>(burst.view[i].transport_bytes - tcp.header_bytes());
  core.tally.add(Event::kDownReset);
  send_reply<kFamily>(burst, i, reset_at(wire::SeqNum{0}, wire::SeqNum{tcp.seq} + text + 1));
}

}  // namespace

template <Family kFamily>
proxy::SynAckFacts facts_of(const wire::TcpHeader& syn_ack, const wire::TcpOptions& options,
                            std::uint8_t asked) {
  using proxy::answer_of;
  using proxy::OptionSet;
  const auto was_asked = [asked](std::uint8_t option) { return (asked & option) != 0; };
  return {.mss = options.mss().value_or(cookie::kDefaultMss<kFamily>),
          .window = syn_ack.window.host(),
          .scaling = answer_of(was_asked(OptionSet::kScale), options.window_scale().has_value()),
          .scale = options.window_scale().value_or(0),
          .sack = answer_of(was_asked(OptionSet::kSack), options.sack_permitted()),
          .timestamps = answer_of(was_asked(OptionSet::kTimestamps), options.timestamps().has_value()),
          .ecn = answer_of(was_asked(OptionSet::kEcn), (syn_ack.flags & kEcnSetup) == Flags::kEce)};
}

template <Family kFamily>
std::optional<proxy::Promise> ask_backend(Burst& burst, LaneIndex i, CoreState& core, std::uint8_t asked,
                                          BackendNow<kFamily>& backend) {
  backend.look_up(core, ip_header<kFamily>(burst, i).destination, tcp_header(burst, i).dst_port);
  // A SYN that was handed over was found worth passing by the core on which it landed.
  const bool can_answer = backend.promise && !backend.down;
  const bool may_pass = burst.taken_over || (!can_answer && core.asking_syns.take(core.now.mono_ms)) ||
                        (can_answer && may_ask(core, asked, *backend.promise));
  if (may_pass) return pass_syn<kFamily>(burst, i, core, asked), std::nullopt;
  if (can_answer) return backend.promise;
  if (!backend.down) return drop_lane(burst, i, Drop::kBackendUnknown), std::nullopt;
  if (!core.down_resets.take(core.now.mono_ms)) return drop_lane(burst, i, Drop::kBackendDown), std::nullopt;
  return reset_syn<kFamily>(burst, i, core), std::nullopt;
}

template proxy::SynAckFacts facts_of<Family::kIpv4>(const wire::TcpHeader&, const wire::TcpOptions&,
                                                    std::uint8_t);
template proxy::SynAckFacts facts_of<Family::kIpv6>(const wire::TcpHeader&, const wire::TcpOptions&,
                                                    std::uint8_t);
template std::optional<proxy::Promise> ask_backend<Family::kIpv4>(Burst&, LaneIndex, CoreState&, std::uint8_t,
                                                                  BackendNow<Family::kIpv4>&);
template std::optional<proxy::Promise> ask_backend<Family::kIpv6>(Burst&, LaneIndex, CoreState&, std::uint8_t,
                                                                  BackendNow<Family::kIpv6>&);

}  // namespace synward
