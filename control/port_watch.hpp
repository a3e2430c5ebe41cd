// What the control thread sees of the ports while workers use them: links that come and go, whether RSS does
// as it was told, what a NIC lost before any worker saw it, NICs that must begin anew.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "control/link_relay.hpp"
#include "dataplane/nic/port.hpp"

namespace synward::control {

/// What a port's RSS comes to over one family.
class RssVerdict {
 public:
  enum class Word : std::uint8_t {
    kNone,
    kSpread,      ///< over the queues, in a way of the NIC's own
    kProgrammed,  ///< as the software's steering, and nothing has come yet that would show it
    kVerified,    ///< as the software's steering, and segments come where they should
    kFailed,      ///< segments do not come where it was told
  };
  RssVerdict(Word word, std::string text)
      : when_good_{word == Word::kProgrammed ? Word::kVerified : word}, word_{word}, text_{std::move(text)} {}

  /// Returns whether the word is another now. A segment here or there that the NIC takes for something else
  /// than we do is no failure; one flow, or so it looks, verifies nothing; and after a failure it takes a
  /// while, so that nobody outside makes the word change to and fro.
  bool judge(const nic::RssTally& tally);
  [[nodiscard]] Word word() const { return word_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Word when_good_, word_;
  std::string text_;
  int good_in_a_row_ = 0;
};

/// A counter of a device that may begin again at zero, when it is reset, as one that never does.
class Monotone {
 public:
  /// `reading`: what the device says now.
  void update(std::uint64_t reading) {
    sum_ += reading >= last_ ? reading - last_ : reading;
    last_ = reading;
  }
  [[nodiscard]] std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t last_ = 0, sum_ = 0;
};

class PortWatch {
 public:
  using Ports = std::vector<std::unique_ptr<nic::Port>>;
  /// All outlive this. Says in the log how segments get to the workers that own them. `wait_for_turns`
  /// returns once no worker is in a call from before it: Workers::wait_for_turns().
  PortWatch(const config::Config& config, const Ports& ports, std::function<void()> wait_for_turns);

  /// Control thread, every so often: looks at each port, resets those that want it, and says in the log what
  /// is new. Returns why synward cannot go on, in a sentence, when a device is gone or cannot be reset.
  [[nodiscard]] std::optional<std::string> look();
  /// Any thread. The port of this number, as in json(), is reset with the next look(). Returns why not, in a
  /// few words; else empty.
  [[nodiscard]] std::string ask_for_reset(std::size_t port);
  /// Any thread. An array with an object for each port: "name", "driver", "mtu", "receive_queues",
  /// "transmit_queues", "receive_offloads" (ethdev's names), "link" ("up" or "down"), "link_mbps" (0: not
  /// known), "rss" (by family, a word each) and "rss_text", "resets", "resetting", "rx_missed",
  /// "rx_no_packets", "rx_errors", "tx_errors", and "xstats": what its driver counts, by names of its own, at
  /// most a second old; these may begin again at zero.
  [[nodiscard]] nlohmann::json json() const;

 private:
  using Xstats = std::vector<std::pair<std::string, std::uint64_t>>;
  struct Seen {
    std::string name, driver;
    nic::Port* port;
    std::uint16_t mtu = 0, receive_queues = 0, transmit_queues = 0;
    std::vector<std::string> receive_offloads;
    std::array<RssVerdict, 2> rss;  // by wire::Family
    nic::PortReading reading;
    std::vector<Monotone> lost;  // by kLosses
    Xstats xstats;
    std::uint64_t resets = 0;
    std::optional<std::uint64_t> resetting_since_ms;
  };
  void begin(Seen& seen);
  void read(Seen& seen);
  static void look_at_rss(Seen& seen);
  [[nodiscard]] std::optional<std::string> reset(std::size_t number);
  void set_resetting(Seen& seen, std::optional<std::uint64_t> since_ms);
  void relay_links();

  std::size_t workers_;
  std::function<void()> wait_for_turns_;
  mutable std::mutex mutex_;  // guards seen_ from json(), but for its ports; nobody asks a device under it
  std::vector<Seen> seen_;
  unsigned looks_ = 0;
  std::optional<LinkRelay> relay_;  // where links are to be propagated
};

/// What to do about an extended counter that has counted something, in a few words; empty when it counts no
/// loss, or what "rx_missed" and its like count already.
[[nodiscard]] std::string_view xstat_help(std::string_view name);

/// Of json(), by what its ports cannot be used, each in a few words.
[[nodiscard]] std::vector<std::string> port_troubles(const nlohmann::json& ports);

/// What a port may lose, by the labels that json() has it under, and what to do about each.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> port_losses();

/// What `synward stats` shows of PortWatch::json(): a line for each port, and what it lost with what to do.
[[nodiscard]] std::string ports_text(const nlohmann::json& ports);

}  // namespace synward::control
