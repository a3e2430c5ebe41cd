// Known flows leave the cookie path here: one bulk lookup for the whole burst.
#include "dataplane/stages/connection_access.hpp"
#include "dataplane/stages/stages.hpp"

namespace synward {
namespace {

using wire::Family;

/// Flows of which an earlier lane of this burst has gone to admit_ack(): the lanes behind it must follow, or
/// they would be judged before it. 256 bits: whoever shares one loses nothing but the time of a cookie check.
class FlowsBehind {
 public:
  template <Family kFamily>
  void add(const table::FlowKey<kFamily>& flow) {
    words_[bit(flow) / 64] |= std::uint64_t{1} << bit(flow) % 64;
  }
  template <Family kFamily>
  [[nodiscard]] bool has(const table::FlowKey<kFamily>& flow) const {
    return (words_[bit(flow) / 64] >> bit(flow) % 64 & 1) != 0;
  }

 private:
  template <Family kFamily>
  static unsigned bit(const table::FlowKey<kFamily>& flow) {
    std::uint32_t sum = 0;
    for (const std::uint32_t word : flow.words()) sum = sum * 31 + word;
    return (sum * 0x9e3779b9u) >> 24;
  }
  std::array<std::uint64_t, 4> words_{};
};

bool belongs(const wire::TcpHeader& tcp, const table::ConnectionState& state, bool is_inline) {
  if (state.phase.get() == table::ConnectionPhase::kTombstone) return false;
  return (tcp.flags & wire::TcpFlags::kRst) != 0 || fits(state, tcp, is_inline);
}

template <Family kFamily>
void find(Burst& burst, CoreState& core) {
  const bool is_inline = core.is_inline();
  const auto lanes = burst.on(Routes<kFamily>::kSegment).take();
  if (lanes.empty()) return;
  std::array<table::FlowKey<kFamily>, kBurstMax> flows;
  std::array<table::Connection<kFamily>*, kBurstMax> found;
  for (std::size_t n = 0; n < lanes.size(); ++n) flows[n] = flow_of<kFamily>(burst, lanes[n]);
  core.table<kFamily>().find_bulk(flows.data(), lanes.size(), found.data());
  FlowsBehind behind;
  for (std::size_t n = 0; n < lanes.size(); ++n) {
    const LaneIndex i = lanes[n];
    if (found[n] != nullptr && belongs(tcp_header(burst, i), found[n]->state, is_inline) &&
        !behind.has(flows[n])) {
      burst.connection[i] = found[n];
      burst.on(Routes<kFamily>::kKnown).push(i);
    } else {
      behind.add(flows[n]);
      burst.on(Routes<kFamily>::kCookie).push(i);
    }
  }
}

}  // namespace

void find_connection(Burst& burst, CoreState& core) {
  find<Family::kIpv4>(burst, core);
  find<Family::kIpv6>(burst, core);
}

}  // namespace synward
