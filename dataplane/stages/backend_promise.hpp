// What SYN-ACKs and SYNs say on behalf of a backend, from what it said itself.
#pragma once

#include <optional>

#include "dataplane/core_state.hpp"
#include "dataplane/promise_words.hpp"
#include "dataplane/proxy/backend_profiles.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/wire/tcp_options.hpp"

namespace synward {

/// RFC 3168 6.1.1: a SYN that asks for ECN has both.
inline constexpr std::uint8_t kEcnSetup = wire::TcpFlags::kEce | wire::TcpFlags::kCwr;

/// Which options a SYN asks for: an OptionSet.
[[nodiscard]] inline std::uint8_t asked_options(const wire::TcpOptions& options, std::uint8_t flags) {
  using proxy::OptionSet;
  int asked = 0;
  if (options.window_scale()) asked |= OptionSet::kScale;
  if (options.sack_permitted()) asked |= OptionSet::kSack;
  if (options.timestamps()) asked |= OptionSet::kTimestamps;
  if ((flags & kEcnSetup) == kEcnSetup) asked |= OptionSet::kEcn;
  return static_cast<std::uint8_t>(asked);
}

/// What a backend's SYN-ACK says to who asked for `asked`. It agrees to ECN by ECE alone.
template <wire::Family kFamily>
[[nodiscard]] proxy::SynAckFacts facts_of(const wire::TcpHeader& syn_ack, const wire::TcpOptions& options,
                                          std::uint8_t asked);

/// What is known of one backend at the moment. A burst keeps the last one: under a flood the next SYN is for
/// the same.
template <wire::Family kFamily>
struct BackendNow {
  /// Whatever was here before is of `backend` behind this.
  void look_up(const CoreState& core, const wire::Address<kFamily>& backend, wire::Port backend_port) {
    if (port == backend_port && address == backend) return;
    address = backend;
    port = backend_port;
    const auto index = core.profiles->find<kFamily>(address, port);
    promise = core.profiles->promise(index, core.keys.current());
    down = core.profiles->is_down(index, core.now.mono_ms);
  }

  wire::Address<kFamily> address{};
  wire::Port port{0};                     ///< nobody's: nothing was looked up yet
  std::optional<proxy::Promise> promise;  ///< nothing: it has not answered yet
  bool down = false;
};

/// In the wire: what the SYN-ACK to this SYN, which asks for an OptionSet, may promise. Nothing when there
/// will be none: then the lane has passed, for the backend to answer itself, or was reset or dropped.
template <wire::Family kFamily>
[[nodiscard]] std::optional<proxy::Promise> ask_backend(Burst& burst, LaneIndex i, CoreState& core,
                                                        std::uint8_t asked, BackendNow<kFamily>& backend);

/// The profile of the backend that a client's lane is for.
template <wire::Family kFamily>
[[nodiscard]] inline proxy::BackendProfiles::Index backend_of(const Burst& burst, LaneIndex i,
                                                              const CoreState& core) {
  return core.profiles->find<kFamily>(ip_header<kFamily>(burst, i).destination,
                                      tcp_header(burst, i).dst_port);
}

}  // namespace synward
