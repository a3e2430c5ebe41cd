// Known flows leave the cookie path here: one bulk lookup for the whole burst.
#include <algorithm>

#include "dataplane/stages/connection_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using wire::Family;

/// Flows of which an earlier lane of this burst has gone to admit_ack(): the lanes behind it must follow, or
/// they would be judged before it. 256 bits: whoever shares one loses nothing but the time of a cookie check.
class FlowsBehind {
 public:
  /// By their hashes.
  void add(std::uint64_t flow) { words_[flow % 4] |= std::uint64_t{1} << flow / 4 % 64; }
  [[nodiscard]] bool has(std::uint64_t flow) const { return (words_[flow % 4] >> flow / 4 % 64 & 1) != 0; }

 private:
  std::array<std::uint64_t, 4> words_{};
};

bool belongs(const wire::TcpHeader& tcp, const table::ConnectionState& state, bool is_inline) {
  if (state.phase.get() == table::ConnectionPhase::kTombstone) return false;
  return (tcp.flags & wire::TcpFlags::kRst) != 0 || fits(state, tcp, is_inline);
}

template <Family kFamily>
void find(Burst& burst, CoreState& core) {
  IndexList& segments = burst.on(Routes<kFamily>::kSegment);
  IndexList& cookies = burst.on(Routes<kFamily>::kCookie);
  if (segments.empty()) return;
  const std::span lanes{segments.begin(), segments.size()};
  const auto flow = [&](std::size_t n) { return flow_of<kFamily>(burst, lanes[n]); };
  const auto hashes = hash_flows<kFamily>(burst, core, lanes, flow);
  std::array<table::Connection<kFamily>*, kBurstMax> found;
  core.table<kFamily>().find_bulk(hashes.data(), lanes.size(), flow, found.data());
  const bool none =
      std::all_of(found.begin(), found.begin() + lanes.size(), [](auto* c) { return c == nullptr; });
  for (std::size_t n = 0; n < lanes.size(); ++n) burst.connection[lanes[n]] = found[n];
  if (none) return cookies.push_all_of(segments);  // under a flood

  const bool is_inline = core.is_inline();
  FlowsBehind behind;
  std::size_t n = 0;
  for (const LaneIndex i : segments.take()) {
    const auto* const connection = found[n];
    const std::uint64_t hash = hashes[n++];
    if (connection != nullptr && belongs(tcp_header(burst, i), connection->state, is_inline) &&
        !behind.has(hash)) {
      burst.on(Routes<kFamily>::kKnown).push(i);
    } else {
      behind.add(hash);
      cookies.push(i);
    }
  }
}

}  // namespace

void find_connection(Burst& burst, CoreState& core) {
  find<Family::kIpv4>(burst, core);
  find<Family::kIpv6>(burst, core);
}

}  // namespace synward
