#include "control/trace/tracing.hpp"

#include <utility>

#include <spdlog/spdlog.h>

#include "control/trace/packet_text.hpp"

namespace synward::control {
namespace {

std::string hexadecimal(std::span<const std::byte> bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::byte b : bytes) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

}  // namespace

std::optional<std::uint64_t> Tracing::begin(const TraceWanted& wanted, Clock::time_point now) {
  const std::lock_guard lock{mutex_};
  let_go();
  if (!taps_.empty() || !left_.empty()) return {};
  const TraceFilter filter = filter_of(wanted, around_.policy()->services);
  for (std::size_t n = 0; n < around_.cores.size(); ++n) taps_.push_back(std::make_unique<TraceTap>(filter));
  for (std::size_t n = 0; n < taps_.size(); ++n) around_.cores[n]->offer_trace(taps_[n].get());
  asked_ = now;
  spdlog::info("trace: on, {}", to_query(wanted).empty() ? "of all packets" : "of " + to_query(wanted));
  return ++number_;
}

nlohmann::json Tracing::json_of(const TraceRecord& record, const service::ServiceTable& services) const {
  nlohmann::json packet{{"wall_ns", record.wall_ns},
                        {"worker", record.worker},
                        {"port", around_.port_names[record.port]},
                        {"verdict", kRouteTable[static_cast<std::size_t>(record.verdict)].label},
                        {"reason", nullptr},
                        {"service", nullptr},
                        {"why", explain(record, {around_.ports, services})},
                        {"packet", packet_text(record.frame.kept(), record.frame.bytes)},
                        {"frame", hexadecimal(record.frame.kept())},
                        {"bytes", record.frame.bytes},
                        {"answer", nullptr},
                        {"answer_port", nullptr},
                        {"answer_packet", nullptr},
                        {"answer_bytes", nullptr}};
  if (record.verdict == Route::kDrop)
    packet["reason"] = kDropTable[static_cast<std::size_t>(record.reason)].label;
  if (record.service < services.size()) packet["service"] = services[record.service].name;
  if (record.answer.bytes != 0) {
    packet["answer"] = hexadecimal(record.answer.kept());
    const bool is_forwarded = record.verdict == Route::kForward;
    packet["answer_port"] = around_.port_names[is_forwarded ? around_.ports[record.port].other : record.port];
    packet["answer_packet"] = packet_text(record.answer.kept(), record.answer.bytes);
    packet["answer_bytes"] = record.answer.bytes;
  }
  return packet;
}

std::optional<nlohmann::json> Tracing::take(std::uint64_t number, Clock::time_point now) {
  const std::lock_guard lock{mutex_};
  if (taps_.empty() || number != number_) return {};
  asked_ = now;
  const auto policy = around_.policy();
  auto packets = nlohmann::json::array();
  std::uint64_t missed = 0;
  for (const auto& tap : taps_) missed += tap->missed();
  // The oldest of all cores first; no core waits for another that has more.
  while (packets.size() < kBatch) {
    TraceTap* oldest = nullptr;
    for (const auto& tap : taps_) {
      const TraceRecord* record = tap->front();
      if (record != nullptr && (oldest == nullptr || record->wall_ns < oldest->front()->wall_ns))
        oldest = tap.get();
    }
    if (oldest == nullptr) break;
    packets.push_back(json_of(*oldest->front(), policy->services));
    oldest->pop();
  }
  return nlohmann::json{{"packets", std::move(packets)}, {"missed", missed}};
}

bool Tracing::end(std::uint64_t number) {
  const std::lock_guard lock{mutex_};
  if (taps_.empty() || number != number_) return false;
  stop();
  return true;
}

void Tracing::look(Clock::time_point now) {
  const std::lock_guard lock{mutex_};
  if (!taps_.empty() && now - asked_ > kPatience) stop();
  let_go();
}

void Tracing::stop() {
  for (const auto& core : around_.cores) core->offer_trace(nullptr);
  left_ = std::exchange(taps_, {});
  since_ = around_.begin_turns();
  spdlog::info("trace: off");
}

void Tracing::let_go() {
  if (!left_.empty() && around_.have_turned(since_)) left_.clear();
}

}  // namespace synward::control
