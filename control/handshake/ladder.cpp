#include "control/handshake/ladder.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "control/handshake/annotated_bytes.hpp"

namespace synward::control {
namespace {

using handshake::name_of;
using handshake::Segment;
using handshake::State;
using handshake::Verdict;
using Flags = wire::TcpFlags;

constexpr std::size_t kTimeColumns = 12, kStateColumns = 12;

// SGR codes (ECMA-48): the client's arrows are blue, the server's green, the lost ones red.
constexpr std::string_view kBlue = "34", kGreen = "32", kRed = "31", kDim = "2";

std::string flags_text(const Segment& segment) {
  constexpr struct {
    std::uint8_t flag;
    std::string_view name;
  } kNames[] = {{Flags::kSyn, "SYN"},
                {Flags::kFin, "FIN"},
                {Flags::kRst, "RST"},
                {Flags::kPsh, "PSH"},
                {Flags::kAck, "ACK"}};
  std::string text;
  for (const auto& [flag, name] : kNames) {
    if (!segment.has(flag)) continue;
    if (!text.empty()) text += ',';
    text += name;
  }
  return text;
}

/// A sequence number, and how far it lies from where its space began: nothing beside the ISS itself.
std::string number_text(std::string_view name, wire::SeqNum number, wire::SeqNum first) {
  const auto from_first = number.value() - first.value();
  return from_first == 0 ? fmt::format("{}={}", name, number.value())
                         : fmt::format("{}={} (+{})", name, number.value(), from_first);
}

class Ladder {
 public:
  Ladder(const Story& story, const LadderStyle& style)
      : story_{story},
        style_{style},
        inner_{static_cast<std::size_t>(std::clamp(style.columns, 72, 120)) - kTimeColumns -
               2 * kStateColumns - 5} {}

  std::string draw() && {
    line({}, "client",
         fmt::format("{:<{}}", " " + story_.addresses[kClient], inner_ / 2) +
             fmt::format("{:>{}}", story_.addresses[kServer] + " ", inner_ - inner_ / 2),
         "server", ' ');
    states({}, story_.at_first, {});
    for (const Flight& flight : story_.flights) {
      draw(flight);
      states({}, flight.lost ? flight.when_sent : flight.when_arrived, {}, false);
    }
    epilogue();
    return std::move(text_);
  }

 private:
  void draw(const Flight& flight) {
    const auto label = wrapped(tokens(flight));
    states(time_text(flight.sent_us), flight.when_sent, label.front());
    for (std::size_t i = 1; i < label.size(); ++i) line({}, {}, label[i], {});
    const auto arrow = paint(arrow_text(flight), flight.lost              ? kRed
                                                 : flight.from == kClient ? kBlue
                                                                          : kGreen);
    if (flight.lost) {
      line({}, {}, arrow, {});
    } else {
      states(time_text(flight.arrived_us), flight.when_arrived, arrow);
      if (flight.verdict != Verdict::kAccepted) draw_verdict(flight);
    }
    if (style_.bytes) text_ += paint(annotated_bytes(flight.frame), kDim);
  }

  void draw_verdict(const Flight& flight) {
    std::vector<std::string> words{flight.from == kClient ? "server:" : "client:"};
    std::istringstream verdict{std::string{describe(flight.verdict)}};
    for (std::string word; verdict >> word;) words.push_back(word);
    for (const auto& each : wrapped(words)) line({}, {}, paint(each, kDim), {});
  }

  static std::vector<std::string> tokens(const Flight& flight) {
    const Segment& segment = flight.segment;
    const End from = flight.from;
    std::vector<std::string> out{flags_text(segment)};
    if (flight.again) out.emplace_back("again");
    out.push_back(number_text("seq", segment.seq, flight.iss[from]));
    if (segment.has(Flags::kAck)) out.push_back(number_text("ack", segment.ack, flight.iss[other(from)]));
    if (segment.text_bytes != 0) out.push_back(fmt::format("len={}", segment.text_bytes));
    if (!segment.has(Flags::kRst)) out.push_back(window_text(flight));
    const auto& options = segment.options;
    if (options.mss) out.push_back(fmt::format("mss={}", *options.mss));
    if (options.sack_permitted) out.emplace_back("sackOK");
    if (options.timestamps)
      out.push_back(fmt::format("ts={} ecr={}", options.timestamps->tsval, options.timestamps->tsecr));
    if (options.window_scale) out.push_back(fmt::format("wscale={}", *options.window_scale));
    return out;
  }

  /// In bytes too, where the field counts in larger units.
  static std::string window_text(const Flight& flight) {
    const unsigned shift = flight.window_shift;
    return shift == 0 ? fmt::format("win={}", flight.segment.window)
                      : fmt::format("win={} (<<{} = {})", flight.segment.window, shift,
                                    std::uint32_t{flight.segment.window} << shift);
  }

  [[nodiscard]] std::vector<std::string> wrapped(const std::vector<std::string>& tokens) const {
    std::vector<std::string> lines{{}};
    for (const auto& token : tokens) {
      if (lines.back().size() + 1 + token.size() + 1 > inner_) lines.emplace_back();
      lines.back() += " " + token;
    }
    for (auto& each : lines) each = padded(each);
    return lines;
  }

  [[nodiscard]] std::string arrow_text(const Flight& flight) const {
    std::string arrow(inner_, '-');
    if (flight.lost) {
      std::fill(arrow.begin() + std::ptrdiff_t(inner_ / 2), arrow.end(), ' ');
      constexpr std::string_view kMark = "X lost";
      arrow.replace(inner_ / 2, kMark.size(), kMark);
      if (flight.from == kServer) {
        arrow =
            std::string(inner_ / 2 - kMark.size(), ' ') + "lost X" + std::string(inner_ - inner_ / 2, '-');
      }
    } else if (flight.from == kClient) {
      arrow.back() = '>';
    } else {
      arrow.front() = '<';
    }
    return arrow;
  }

  void epilogue() {
    const auto& [client, server] = story_.at_last;
    text_ += fmt::format("\nAfter {} the client is {}, the server {}.\n", time_text(story_.end_us),
                         name_of(client.state), name_of(server.state));
    if (story_.text_received != 0)
      text_ += fmt::format("The server has read {} bytes.\n", story_.text_received);
    if (client.state != State::kEstablished || server.state != State::kEstablished) return;
    const auto& agreed = client.agreed;
    text_ += fmt::format(
        "Agreed: MSS {} to the server, {} to the client; window scale {}; SACK {}; timestamps {}.\n",
        agreed.send_mss, server.agreed.send_mss,
        agreed.wind_scale_ok
            ? fmt::format("{} of the client, {} of the server", agreed.rcv_wind_shift, agreed.snd_wind_shift)
            : "off",
        agreed.sack_permitted ? "on" : "off", agreed.ts_ok ? "on" : "off");
  }

  static std::string time_text(std::uint64_t time_us) {
    return fmt::format("{}.{:03} ms", time_us / 1000, time_us % 1000);
  }
  [[nodiscard]] std::string padded(std::string_view text) const {
    return fmt::format("{:<{}}", text, inner_);
  }
  [[nodiscard]] std::string paint(std::string_view text, std::string_view code) const {
    return style_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string{text};
  }

  void states(std::string_view time, const PerEnd<State>& ends, std::string_view inner, bool named = true) {
    line(time, named ? name_of(ends[kClient]) : "", inner, named ? name_of(ends[kServer]) : "");
  }
  /// `inner` fills its columns, escape sequences apart, or is empty.
  void line(std::string_view time, std::string_view left, std::string_view inner, std::string_view right,
            char lifeline = '|') {
    fmt::format_to(std::back_inserter(text_), "{:>{}} {:>{}} {}{:<{}}{} {}", time, kTimeColumns, left,
                   kStateColumns, lifeline, inner, inner_, lifeline, right);
    text_.erase(text_.find_last_not_of(' ') + 1) += '\n';
  }

  const Story& story_;
  const LadderStyle& style_;
  const std::size_t inner_;
  std::string text_;
};

}  // namespace

std::string draw_ladder(const Story& story, const LadderStyle& style) { return Ladder{story, style}.draw(); }

}  // namespace synward::control
