// What became of the real clients: written by whoever runs them, read by whoever shows them.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace synward::load {

/// What every client says before it closes its half.
inline constexpr std::string_view kClientLine = "a line of text from a client that means no harm\n";

/// Why a client did not get through its connection.
enum class Failure : std::uint8_t { kConnectTimeout, kRefused, kCloseTimeout, kReset, kLocal, kCount };
inline constexpr std::array<std::string_view, std::size_t(Failure::kCount)> kFailureLabels{
    "connect_timeout", "refused", "close_timeout", "reset", "local"};

/// A client is `started`, then `connected`, then `closed` by FINs from both sides; or it fails on the way.
struct ClientReport {
  std::uint64_t started = 0, connected = 0, closed = 0;
  std::array<std::uint64_t, std::size_t(Failure::kCount)> failures{};
  std::vector<std::uint32_t> connect_us;  ///< from the intended start, in the order of connecting

  [[nodiscard]] std::uint64_t failed() const {
    std::uint64_t sum = 0;
    for (const auto count : failures) sum += count;
    return sum;
  }
};

/// Of all `values`, the one that `share` of them do not exceed; 0 when there are none. Nearest rank: a value
/// that was measured, never one between two.
[[nodiscard]] std::uint32_t percentile(std::span<const std::uint32_t> values, double share);

/// One thread writes, any thread reads.
class ClientLog {
 public:
  void started() {
    change([](ClientReport& r) { ++r.started; });
  }
  void connected(std::uint64_t us) {
    change([us](ClientReport& r) {
      ++r.connected;
      r.connect_us.push_back(static_cast<std::uint32_t>(us));
    });
  }
  void closed() {
    change([](ClientReport& r) { ++r.closed; });
  }
  void failed(Failure why) {
    change([why](ClientReport& r) { ++r.failures[static_cast<std::size_t>(why)]; });
  }
  [[nodiscard]] ClientReport report() const {
    const std::lock_guard lock{mutex_};
    return report_;
  }

 private:
  template <typename Change>
  void change(Change&& apply) {
    const std::lock_guard lock{mutex_};
    apply(report_);
  }
  mutable std::mutex mutex_;
  ClientReport report_;
};

}  // namespace synward::load
