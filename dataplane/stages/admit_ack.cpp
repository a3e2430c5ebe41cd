// A segment that fits no connection may bring a cookie back. All are checked at once, so that the AES rounds
// of many overlap; then each is decided in the order of arrival, with a fresh lookup, for the segment before
// it may have opened its connection: [ACK, text, text] of a new flow in one burst must all pass. While one is
// decided, the entry comes that another, some places behind it, will probably get.
#include "dataplane/cookie/cookie.hpp"
#include "dataplane/stages/backend_handshake.hpp"
#include "dataplane/stages/backend_promise.hpp"
#include "dataplane/stages/connection_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using table::ConnectionPhase;
using table::Evicted;
using wire::Family;

/// A lane that is to be decided, and what is known of it before any is.
template <Family kFamily>
struct Candidate {
  LaneIndex lane;
  table::FlowKey<kFamily> flow;
  typename table::ConnectionTable<kFamily>::Place place;  ///< of the flow
  const cookie::Admission* admission = nullptr;           ///< null when it brings no valid cookie
};

/// A RST brings no cookie, whatever its numbers.
bool may_bring_cookie(const wire::TcpHeader& tcp) { return (tcp.flags & wire::TcpFlags::kRst) == 0; }

/// Seq and ack, less one each, are the ISNs of the SYN and of our SYN-ACK: of a bare ACK, and of the first
/// text when that ACK was lost. `admissions` is where the candidates' lie.
template <Family kFamily>
void check(const Burst& burst, const CoreState& core, std::span<Candidate<kFamily>> candidates,
           std::span<std::optional<cookie::Admission>, kBurstMax> admissions) {
  Lane<cookie::Message<kFamily>> messages;
  Lane<cookie::CookieAck> acks;
  Lane<Candidate<kFamily>*> bringing;
  std::size_t n = 0;
  for (Candidate<kFamily>& candidate : candidates) {
    const wire::TcpHeader& tcp = tcp_header(burst, candidate.lane);
    if (!may_bring_cookie(tcp)) continue;
    const auto& flow = candidate.flow;
    const auto timestamps = timestamps_of(core, tcp);
    cookie::fill_message<kFamily>(messages[n], flow.client, flow.service, flow.client_port, flow.service_port,
                                  wire::SeqNum{tcp.seq} - 1);
    acks[n] = {wire::SeqNum{tcp.ack} - 1, std::nullopt};
    if (timestamps) acks[n].tsecr = timestamps->tsecr;
    bringing[n++] = &candidate;
  }
  if (n == 0) return;
  cookie::check_cookies<kFamily>(core.keys, messages.data(), acks.data(), admissions.data(), n);
  for (std::size_t i = 0; i < n; ++i)
    if (admissions[i]) bringing[i]->admission = &*admissions[i];
}

/// The scale of our windows that the SYN-ACK with this cookie promised, if it promised any. Nothing at all
/// when nobody knows any more: a synward before this one may have had the same keys and learned something
/// else.
template <Family kFamily>
std::optional<table::WindowScales> promised_scales(const Burst& burst, LaneIndex i, const CoreState& core,
                                                   const cookie::Admission& admission) {
  if (!admission.options.window_scale) return table::WindowScales{0, 0};
  const auto client = *admission.options.window_scale;
  if (!core.is_inline())
    return table::WindowScales{client, (*core.services)[burst.view[i].service].profile.window_scale};
  const auto promise = core.profiles->promise(backend_of<kFamily>(burst, i, core), admission.slot);
  if (!promise || !promise->window_scale) return std::nullopt;
  return table::WindowScales{client, *promise->window_scale};
}

/// What every connection keeps of how it began. `slot`: of its cookie.
template <Family kFamily>
void fill(const Burst& burst, LaneIndex i, CoreState& core, cookie::Slot slot,
          table::Connection<kFamily>& connection) {
  core.table<kFamily>().set_service(connection, burst.view[i].service);
  auto& state = connection.state;
  state.path = core.paths.intern(link_path_of(burst, i));
  if (state.path == LinkPaths::kNone) core.tally.add(Event::kPathsFull);
  state.cookie_slot = slot.number & 15;
  state.options.misfit_tick = table::ConnectionOptions::kNoMisfit;
}

/// A new connection in the table and in the accept queue; null, and the lane dropped, when either is full.
template <Family kFamily>
table::Connection<kFamily>* open_accepted(Burst& burst, CoreState& core,
                                          const Candidate<kFamily>& candidate) {
  const LaneIndex i = candidate.lane;
  if (core.accept_queue.full()) return drop_lane(burst, i, Drop::kAcceptQueueFull), nullptr;
  const auto inserted = core.table<kFamily>().insert(candidate.flow, candidate.place,
                                                     ConnectionPhase::kEstablished, core.tick());
  if (!inserted) return drop_lane(burst, i, Drop::kTableFull), nullptr;
  if (inserted->evicted == Evicted::kTombstone) core.tally.add(Event::kTombstoneEvicted);
  const handshake::Segment segment = segment_of(burst, i, core);
  auto& state = inserted->connection.state;
  state.client_next = segment.seq;
  state.service_next = segment.ack;
  state.half = {.service_acked = segment.ack,
                .ts_recent = segment.options.timestamps ? segment.options.timestamps->tsval : 0,
                .ts_offset = candidate.admission->tsval_now - static_cast<std::uint32_t>(core.now.mono_ms)};
  core.accept_queue.push(candidate.flow);
  return &inserted->connection;
}

/// A new connection in the table, on its way to whoever is to have it; null, and the lane dropped, when there
/// is no room.
template <Family kFamily>
table::Connection<kFamily>* promote(Burst& burst, CoreState& core, const Candidate<kFamily>& candidate) {
  const LaneIndex i = candidate.lane;
  const cookie::Admission& admission = *candidate.admission;
  const auto scales = promised_scales<kFamily>(burst, i, core, admission);
  if (!scales) return make_stray<kFamily>(burst, i, Drop::kBadCookie), nullptr;
  core.tally.add(Event::kCookieValid);
  auto* connection = core.is_inline() ? open_backend<kFamily>(burst, i, core, admission)
                                      : open_accepted<kFamily>(burst, core, candidate);
  if (connection == nullptr) return nullptr;
  connection->state.options = {
      .timestamps = admission.options.timestamps, .accepted = false, .misfit_tick = 0};
  connection->state.window_scales = *scales;
  fill(burst, i, core, admission.slot, *connection);
  core.tally.add(Event::kPromoted);
  core.of_services[burst.view[i].service].cookies_valid.add(1);
  return connection;
}

/// Whether the cookie was minted before this open connection last took a segment: then it is of an older one
/// of the same tuple, whose tombstone is gone, and a duplicate of that one's first segment brings it.
bool is_outdated(const CoreState& core, const table::ConnectionState& state,
                 const cookie::Admission& admission) {
  const ConnectionPhase phase = state.phase.get();
  const bool open = phase == ConnectionPhase::kEstablished || phase == ConnectionPhase::kFinWait2 ||
                    phase == ConnectionPhase::kCloseWait;
  if (!open) return false;
  if (core.is_inline() && (state.splice.reset_by_client || state.splice.reset_by_backend)) return false;
  const std::int64_t deadline = state.deadline.get().number, now = core.tick().number;
  const std::int64_t timeout = idle_deadline(core, state).number - now;
  const std::int64_t since = timeouts_since(core, state).number;
  const bool of_other_timeouts = deadline < since + timeout || deadline - timeout > now;
  const std::int64_t taken = of_other_timeouts ? since : deadline - timeout;
  const auto minted_ms = static_cast<std::int64_t>(core.now.mono_ms) - admission.least_age_ms;
  return minted_ms < (taken - 1) * std::int64_t{table::kTickMs};
}

/// A client's segment agrees with what its backend sent: synward follows the connection from here on, and
/// translates nothing. Null when the table is full.
template <Family kFamily>
table::Connection<kFamily>* adopt(const Burst& burst, LaneIndex i, CoreState& core,
                                  const table::FlowKey<kFamily>& flow, wire::SeqNum service_next) {
  auto& connections = core.table<kFamily>();
  const auto inserted = connections.insert(flow, connections.place_of(burst.flow_hash[i]),
                                           ConnectionPhase::kEstablished, core.tick());
  if (!inserted) return nullptr;
  if (inserted->evicted == Evicted::kTombstone) core.tally.add(Event::kTombstoneEvicted);
  if (inserted->evicted == Evicted::kUnfinished) core.tally.add(Event::kUnfinishedEvicted);
  auto& state = inserted->connection.state;
  state.client_next = wire::SeqNum{tcp_header(burst, i).seq};
  state.service_next = service_next;
  state.splice = {};
  state.splice.is_spliced = true;
  fill(burst, i, core, core.keys.current(), inserted->connection);
  core.tally.add(Event::kAdopted);
  return &inserted->connection;
}

/// Of a connection that is in no table. False, and the lane dropped, when too many such came; those of a
/// retired service are between its clients and its servers.
bool pass_unknown(Burst& burst, LaneIndex i, CoreState& core) {
  if (!core.services->is_retired(burst.view[i].service) && !core.unknown_passes.take(core.now.mono_ms))
    return drop_lane(burst, i, Drop::kUnknownLimited);
  core.tally.add(Event::kUnknownPassed);
  burst.on(Route::kForward).push(i);
  return true;
}

/// In the wire, a segment without a cookie that fits no connection, or, when `live` is there, not that one.
/// It may be of a connection that is older than synward, or that a synward before this one translated: of the
/// latter nobody knows the difference any more, and its ends would go on telling each other that they are
/// wrong.
template <Family kFamily>
void pass_or_adopt(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>* live) {
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  const auto flow = flow_of<kFamily>(burst, i);
  const std::uint64_t hash = burst.flow_hash[i];
  const auto backend = core.unknown_backends.recall(hash, core.now.mono_ms);
  const wire::SeqNum ack{tcp.ack};
  const auto agreement =
      backend ? proxy::agreement(*backend, wire::SeqNum{tcp.seq}, ack) : proxy::Agreement::kUnrelated;
  // Those of a retired service are not followed, unless an older connection of their tuple would be taken for
  // theirs, which translates.
  const bool is_followed = !core.services->is_retired(burst.view[i].service) ||
                           core.table<kFamily>().find(flow, core.table<kFamily>().place_of(hash)) != nullptr;
  if (agreement == proxy::Agreement::kAgrees && is_followed) {
    if (auto* adopted = adopt<kFamily>(burst, i, core, flow, backend->next)) {
      if (live != nullptr) core.tally.add(Event::kReplaced);
      return splice_segment<kFamily>(burst, i, core, *adopted);
    }
  }
  if (live != nullptr) return splice_segment<kFamily>(burst, i, core, *live);
  // The same mistake, seconds later: no stranger's guess, and no reordered segment of another connection.
  if (agreement == proxy::Agreement::kMistaken &&
      core.strays.repeats(hash ^ std::uint64_t{ack.value()} << 32, core.now.mono_ms) &&
      core.stray_resets.take(core.now.mono_ms)) {
    core.unknown_backends.forget(hash);
    core.tally.add(Event::kUntranslatable);
    static_cast<void>(
        originate<kFamily>(core, link_path_of(burst, i), Toward::kBackend, flow, reset_at(backend->ack)));
    return send_reply<kFamily>(burst, i, reset_at(ack));
  }
  if (!pass_unknown(burst, i, core)) note_bad_cookie<kFamily>(burst, i, core);
}

/// A segment that fits no connection and brings no cookie.
template <Family kFamily>
void turn_away(Burst& burst, LaneIndex i, CoreState& core, table::Connection<kFamily>* live) {
  if (core.is_inline()) {
    const bool waits = live != nullptr && live->state.phase.get() == ConnectionPhase::kUnfinished;
    if (!waits) return pass_or_adopt<kFamily>(burst, i, core, live);
  } else if (live != nullptr) {
    return challenge<kFamily>(burst, i, core, live->state);
  }
  make_stray<kFamily>(burst, i, Drop::kBadCookie);
}

/// An RST of no connection.
template <Family kFamily>
void turn_away_reset(Burst& burst, LaneIndex i, CoreState& core) {
  note_reset<kFamily>(burst, i, core);
  if (core.is_inline()) return void(pass_unknown(burst, i, core));
  drop_lane(burst, i, Drop::kRstWithoutConnection);
}

template <Family kFamily>
void decide(Burst& burst, CoreState& core, const Candidate<kFamily>& candidate) {
  const LaneIndex i = candidate.lane;
  const cookie::Admission* const admission = candidate.admission;
  const wire::TcpHeader& tcp = tcp_header(burst, i);
  auto* connection = core.table<kFamily>().find(candidate.flow, candidate.place);
  const bool dead = connection != nullptr && connection->state.phase.get() == ConnectionPhase::kTombstone;
  const bool live = connection != nullptr && !dead;
  if (!may_bring_cookie(tcp)) {
    if (connection == nullptr) return turn_away_reset<kFamily>(burst, i, core);
    if (!live) return void(drop_lane(burst, i, Drop::kRstWithoutConnection));
    return relay_segment<kFamily>(burst, i, core, *connection);
  }
  if (connection != nullptr && fits(connection->state, tcp, core.is_inline())) {
    if (dead) return make_stray<kFamily>(burst, i, Drop::kSpentCookie);
    return relay_segment<kFamily>(burst, i, core,
                                  *connection);  // the cookie of a connection is not tried again
  }
  // Guesses at the cookie of a live connection are limited as its challenges are. What is closed may go.
  const bool closed = core.is_inline() && live && connection->state.phase.get() == ConnectionPhase::kTimeWait;
  if (live && !closed && !take_misfit(core, connection->state)) {
    if (!core.is_inline()) return void(drop_lane(burst, i, Drop::kChallengeLimited));
    return turn_away<kFamily>(burst, i, core, connection);
  }
  if (admission != nullptr && live && is_outdated(core, connection->state, *admission))
    return make_stray<kFamily>(burst, i, Drop::kSpentCookie);
  if (admission == nullptr) return turn_away<kFamily>(burst, i, core, live ? connection : nullptr);
  connection = promote<kFamily>(burst, core, candidate);
  if (connection == nullptr) return;
  if (live) core.tally.add(Event::kReplaced);
  relay_segment<kFamily>(burst, i, core, *connection);
}

/// Those of `lanes` of which the kernels find that they bring no cookie, under any key that may have minted
/// it. Under a flood of forged ACKs: all.
template <Family kFamily>
simd::LaneBits refuted_lanes(Burst& burst, const CoreState& core, simd::LaneBits lanes) {
  const auto even = core.keys.candidates(0), odd = core.keys.candidates(1);
  const auto keys_of = [&](std::size_t candidate) -> simd::CookieKeys {
    const auto key = [&](const cookie::SlotCandidates& slots) {
      return &core.keys.key<kFamily>(slots.begin()[std::min(candidate, slots.size() - 1)]);
    };
    return {{key(even), key(odd)}};
  };
  const simd::Frames& frames = burst.common_segments.frames;
  simd::LaneBits refuted = 0;
  const LanesByLink::Lanes& segments = burst.common_segments.of<kFamily>();
  for (std::size_t tags = 0; tags < segments.size(); ++tags) {
    simd::LaneBits left = lanes & segments[tags];
    for (std::size_t candidate = 0; candidate < std::max(even.size(), odd.size()) && left != 0; ++candidate) {
      left = core.kernels->refute<kFamily>()(frames, LanesByLink::network(tags), left, keys_of(candidate));
    }
    refuted |= left;
  }
  return refuted;
}

/// How many candidates before its own an entry is asked for: a promotion takes longer than an eighth of a
/// miss.
constexpr std::size_t kAhead = 8;

template <Family kFamily>
void admit(Burst& burst, CoreState& core) {
  const simd::LaneBits bits = burst.on(Routes<kFamily>::kCookie).bits();
  if (bits == 0) return;
  const simd::LaneBits resets = bits & burst.common_segments.resets;
  const simd::LaneBits refuted = resets | refuted_lanes<kFamily>(burst, core, bits & ~resets);
  const auto lanes = burst.on(Routes<kFamily>::kCookie).take();
  const auto& table = core.table<kFamily>();
  const auto candidate_of = [&](LaneIndex i) -> Candidate<kFamily> {
    return {.lane = i, .flow = flow_of<kFamily>(burst, i), .place = table.place_of(burst.flow_hash[i])};
  };
  Lane<Candidate<kFamily>> candidates;
  std::size_t count = 0, next = 0;
  if (refuted != bits)
    for (const LaneIndex i : lanes)
      if (!has_lane(refuted, i)) candidates[count++] = candidate_of(i);
  Lane<std::optional<cookie::Admission>> admissions;
  check<kFamily>(burst, core, std::span{candidates}.first(count), admissions);
  const auto expect = [&](std::size_t n) {
    if (n < count && candidates[n].admission != nullptr) table.expect(candidates[n].place);
  };
  for (std::size_t n = 0; n < kAhead; ++n) expect(n);
  const std::uint64_t insertions = table.insertions();  // none since find_connection()
  const simd::LaneBits refuted_acks = refuted & ~resets;
  for (const LaneIndex i : lanes) {
    const bool is_unknown = burst.connection[i] == nullptr && table.insertions() == insertions;
    if (has_lane(refuted_acks, i) && is_unknown) {  // under a flood
      turn_away<kFamily>(burst, i, core, nullptr);
    } else if (!has_lane(refuted, i)) {
      expect(next + kAhead);
      decide<kFamily>(burst, core, candidates[next++]);
    } else if (is_unknown) {
      turn_away_reset<kFamily>(burst, i, core);
    } else {
      decide<kFamily>(burst, core, candidate_of(i));
    }
  }
}

}  // namespace

void admit_ack(Burst& burst, CoreState& core) {
  admit<Family::kIpv4>(burst, core);
  admit<Family::kIpv6>(burst, core);
}

}  // namespace synward
