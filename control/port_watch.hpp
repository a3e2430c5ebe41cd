// What the control thread sees of the ports while workers use them: links that come and go, whether RSS does
// as it was told, what a NIC lost before any worker saw it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
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

class PortWatch {
 public:
  /// Both outlive this. Says in the log how segments get to the workers that own them.
  PortWatch(const config::Config& config, const std::vector<std::unique_ptr<nic::Port>>& ports);

  /// Control thread, every so often: looks at each port, and says in the log what is new. Returns why synward
  /// cannot go on, in a sentence, when a device is gone.
  [[nodiscard]] std::optional<std::string> look();
  /// Any thread. An array with an object for each port: "name", "driver", "mtu", "receive_queues",
  /// "transmit_queues", "link" ("up" or "down"), "link_mbps" (0: not known), "rss" (by family, a word each)
  /// and "rss_text", "rx_missed", "rx_no_packets", "rx_errors", "tx_errors".
  [[nodiscard]] nlohmann::json json() const;

 private:
  struct Seen {
    std::string name;
    const nic::Port* port;
    std::array<RssVerdict, 2> rss;  // by wire::Family
    nic::PortReading reading;
  };
  static void look_at_rss(Seen& seen);
  void relay_links();

  mutable std::mutex mutex_;  // guards seen_
  std::vector<Seen> seen_;
  std::optional<LinkRelay> relay_;  // where links are to be propagated
};

/// What `synward stats` shows of PortWatch::json(): a line for each port, and what it lost with what to do.
[[nodiscard]] std::string ports_text(const nlohmann::json& ports);

}  // namespace synward::control
