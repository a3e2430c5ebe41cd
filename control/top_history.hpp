// What `synward top` makes of the answers that it gets: rates, and how they went.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/screen_text.hpp"
#include "dataplane/enum_table.hpp"

namespace synward::control {

enum class ServiceState : std::uint8_t { kQuiet, kBusy, kFlooded };

/// What a service goes through, of what came in a second, averaged over the last 10 s. Flooded: more than 100
/// SYNs, of which fewer than one in ten brought a valid cookie; until they are fewer than 50, or at least one
/// in five does. Else busy: at least one SYN; until they are fewer than one in two seconds. Else quiet. The
/// ways back are harder than the ways in, so that a service at a limit does not go to and fro.
[[nodiscard]] ServiceState next_state(ServiceState before, double syns_per_s, double valid_per_s);

enum class TopRate : std::uint8_t { kSynIn, kSynAckOut, kValid, kInvalid, kEstablished, kDropped, kCount };

/// What a screen shows. Text is printable().
struct TopView {
  struct Connections {
    std::uint64_t now = 0;
    std::optional<std::uint64_t> capacity;
    Series fill;  ///< the part of the capacity, from 0 to 1
  };
  struct Service {
    std::string name, place;
    std::optional<double> syns_per_s, valid_per_s, invalid_per_s;  ///< since the answer before
    ServiceState state = ServiceState::kQuiet;
  };
  struct Sources {
    std::string_view of;  ///< what they sent
    std::vector<std::pair<std::string, std::uint64_t>> prefixes;
  };
  struct Backend {
    std::string place;
    bool down = false;
    std::uint64_t handshakes = 0, refusals = 0, silences = 0;
  };

  double interval_s = 1;
  std::string version;  ///< empty: nobody has answered yet
  double uptime_s = 0;
  std::string silence;  ///< why the last question got no answer; empty: it got one
  double silent_s = 0;
  std::array<Series, kCountOf<TopRate>> rates;  ///< per second
  std::array<Connections, 2> connections;       ///< over IPv4, over IPv6
  std::uint64_t accept_queue = 0;
  std::vector<Series> cores;  ///< the busy part, from 0 to 1
  std::vector<Service> services;
  std::vector<Sources> sources;  ///< without empty ones
  std::vector<Backend> backends;
  std::vector<std::string> warnings;
};

/// One thread.
class TopHistory {
 public:
  static constexpr std::size_t kMoments = 1000;  // more than any screen has columns

  /// Somebody asks every `interval_s`.
  explicit TopHistory(double interval_s) { view_.interval_s = interval_s; }

  /// An answer, taken at `at_s` on a clock that never goes back. Counters that did go back began again at
  /// zero, with a new synward. Throws nlohmann::json::exception, and nothing changes, when that is no answer
  /// of a synward.
  void add(const nlohmann::json& stats, double at_s);
  /// No answer, and why, in a sentence.
  void add_silence(std::string_view why, double at_s);

  [[nodiscard]] const TopView& view() const { return view_; }

 private:
  struct ServiceCounts {
    std::uint64_t syns = 0, valid = 0, invalid = 0;
  };
  struct Answer {
    TopView view;  // what stands, without rates and series; of last_ it has become view_
    std::array<std::uint64_t, kCountOf<TopRate>> counts{};
    std::vector<std::pair<std::uint64_t, std::uint64_t>> cores;  // busy, idle
    std::vector<ServiceCounts> services;
    std::vector<std::pair<std::string, std::uint64_t>> losses;  // what is lost, and how many so far
  };
  /// Of a service, since the answer before it.
  struct Moment {
    double elapsed_s;
    std::uint64_t syns, valid;
  };
  static Answer read(const nlohmann::json& stats);
  [[nodiscard]] bool is_another(const Answer& now, double at_s) const;
  [[nodiscard]] std::size_t moments_until(double at_s);
  void follow(Answer& now, double elapsed_s, bool anew, std::size_t moments);
  void follow_services(Answer& now, double elapsed_s, bool anew);

  TopView view_;
  std::optional<Answer> last_;
  std::vector<std::vector<Moment>> recent_;  // by service of last_: of the last 10 s
  double answered_at_s_ = 0;
  std::optional<double> asked_at_s_;
};

}  // namespace synward::control
