#include "bench/load/trial/plot.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "bench/load/trial/intervals.hpp"

namespace synward::load {
namespace {

constexpr double kWidth = 900, kLeft = 70, kRight = 30, kPanelHeight = 190, kTop = 56, kGap = 46,
                 kBottom = 64;
constexpr double kHeight = kTop + 2 * kPanelHeight + kGap + kBottom;
constexpr double kFirstTop = kTop, kSecondTop = kTop + kPanelHeight + kGap;
constexpr std::size_t kTitleLetters = 96;  // in bold, as many as there is room for
constexpr std::array<const char*, std::size_t(Phase::kCount)> kShades{"#eef6ee", "#fbeaea", "#eaf1fb"};

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      default:
        safe += static_cast<unsigned char>(letter) < 0x20 ? ' ' : letter;
    }
  }
  return safe;
}

/// As much of it as there is room for, and no half of a letter in UTF-8.
std::string shortened(const std::string& title) {
  if (title.size() <= kTitleLetters) return title;
  std::size_t end = kTitleLetters - 3;
  while (end != 0 && (static_cast<unsigned char>(title[end]) & 0xc0) == 0x80) --end;
  return title.substr(0, end) + "...";
}

/// Of 10^decade milliseconds.
std::string name_of_decade(double decade) {
  return decade < 3 ? fmt::format("{:g} ms", std::pow(10, decade))
                    : fmt::format("{:g} s", std::pow(10, decade - 3));
}

/// The distance of ticks on an axis of that length: 1, 2 or 5 times a power of ten.
double tick_step(double length, double most_ticks) {
  const double least = std::max(length, 1e-9) / most_ticks;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least) return factor * power;
  }
  return 10 * power;
}

class Picture {
 public:
  Picture(const Record& record, const std::string& title) : record_{record}, seconds_{intervals(record)} {
    length_s_ = static_cast<double>(record.timeline.total_us()) / 1e6;
    for (const Interval& interval : seconds_) {
      for (const auto& us : {interval.syn_ack_p50_us, interval.syn_ack_p99_us, interval.first_byte_p99_us}) {
        if (!us) continue;
        // Decades in milliseconds.
        const double decade = std::log10(std::max(*us, 1u) / 1e3);
        lowest_ = std::min(lowest_, std::floor(decade));
        highest_ = std::max(highest_, std::floor(decade) + 1);
      }
    }
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" "
        "height=\"{1:g}\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0:g}\" height=\"{1:g}\" "
        "fill=\"#ffffff\"/>\n",
        kWidth, kHeight);
    label(kLeft, 20, "start", shortened(title), "font-size=\"14\" font-weight=\"bold\"");
  }

  std::string draw() {
    shade(kFirstTop, true);
    shade(kSecondTop, false);
    for (const double percent : {0.0, 25.0, 50.0, 75.0, 100.0})
      rule(success_y(percent), fmt::format("{:g} %", percent));
    for (double decade = lowest_; decade <= highest_; ++decade)
      rule(latency_y(std::pow(10, decade) * 1e3), name_of_decade(decade));
    const double step = tick_step(length_s_, 12);
    for (double n = 0; n * step <= length_s_ + step / 1e3; ++n) tick(n * step);
    label(kLeft, kFirstTop - 6, "start", "clients that succeeded, by their intended time");
    label(kLeft, kSecondTop - 6, "start", "latency since the intended time, logarithmic");
    mark_early_end();

    const auto share = [](std::uint64_t of, const Interval& interval) -> std::optional<double> {
      if (interval.clients == 0) return std::nullopt;
      return success_y(100 * static_cast<double>(of) / static_cast<double>(interval.clients));
    };
    const auto latency = [this](const std::optional<std::uint32_t>& us) -> std::optional<double> {
      if (!us) return std::nullopt;
      return latency_y(*us);
    };
    area("#1a7f37", [&](const Interval& i) { return share(i.succeeded, i); });
    line("after retries", "#1a7f37", "", [&](const Interval& i) { return share(i.succeeded, i); });
    line("with the first SYN", "#1a7f37", "5 3", [&](const Interval& i) { return share(i.first_syn, i); });
    line("SYN-ACK p50", "#0550ae", "", [&](const Interval& i) { return latency(i.syn_ack_p50_us); });
    line("SYN-ACK p99", "#bc4c00", "", [&](const Interval& i) { return latency(i.syn_ack_p99_us); });
    if (record_.asks)
      line("first byte p99", "#8250df", "5 3",
           [&](const Interval& i) { return latency(i.first_byte_p99_us); });
    return text_ + "</svg>\n";
  }

 private:
  [[nodiscard]] double x(double seconds) const {
    return kLeft + (length_s_ > 0 ? seconds / length_s_ : 0) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] static double success_y(double percent) {
    return kFirstTop + kPanelHeight * (1 - percent / 100);
  }
  [[nodiscard]] double latency_y(double us) const {
    const double decade = std::log10(std::max(us, 1.0) / 1e3);
    return kSecondTop + kPanelHeight * (1 - (decade - lowest_) / (highest_ - lowest_));
  }
  void label(double at_x, double at_y, const char* anchor, const std::string& text,
             const std::string& more = "") {
    text_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"#1f2328\" {}>{}</text>\n",
                         at_x, at_y, anchor, more, escaped(text));
  }
  void rule(double at_y, const std::string& name) {
    text_ +=
        fmt::format("<line x1=\"{0:g}\" y1=\"{1:.1f}\" x2=\"{2:g}\" y2=\"{1:.1f}\" stroke=\"#c8ccd1\"/>\n",
                    kLeft, at_y, kWidth - kRight);
    label(kLeft - 6, at_y + 4, "end", name);
  }
  void tick(double at_s) {
    for (const double top : {kFirstTop, kSecondTop})
      text_ +=
          fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:g}\" x2=\"{0:.1f}\" y2=\"{2:g}\" stroke=\"#1f2328\"/>\n",
                      x(at_s), top + kPanelHeight, top + kPanelHeight + 4);
    label(x(at_s), kSecondTop + kPanelHeight + 18, "middle", fmt::format("{:g} s", at_s));
  }
  /// Of a trial that was cut off: what is shaded behind it never was.
  void mark_early_end() {
    if (record_.samples.empty() || record_.samples.back().at_us >= record_.timeline.total_us()) return;
    const double at_x = x(static_cast<double>(record_.samples.back().at_us) / 1e6);
    text_ += fmt::format(
        "<line class=\"end\" x1=\"{0:.1f}\" y1=\"{1:g}\" x2=\"{0:.1f}\" y2=\"{2:g}\" stroke=\"#1f2328\" "
        "stroke-dasharray=\"2 3\"/>\n",
        at_x, kFirstTop, kSecondTop + kPanelHeight);
    const bool is_left = at_x < kWidth / 2;
    label(at_x + (is_left ? 5 : -5), kFirstTop + kPanelHeight + 16, is_left ? "start" : "end",
          "it ended here");
  }
  void shade(double top, bool named) {
    for (const Phase phase : {Phase::kBaseline, Phase::kAttack, Phase::kRecovery}) {
      const double from = x(static_cast<double>(record_.timeline.begin_of(phase)) / 1e6);
      const double to = x(static_cast<double>(record_.timeline.end_of(phase)) / 1e6);
      if (to <= from) continue;
      text_ += fmt::format(
          "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:g}\" width=\"{:.1f}\" height=\"{:g}\" fill=\"{}\"/>\n",
          kPhaseLabels[std::size_t(phase)], from, top, to - from, kPanelHeight, kShades[std::size_t(phase)]);
      if (named)
        label((from + to) / 2, top + 0.62 * kPanelHeight, "middle",
              std::string{kPhaseLabels[std::size_t(phase)]}, "opacity=\"0.45\"");
    }
  }
  [[nodiscard]] double middle_x(const Interval& interval) const {
    return x(static_cast<double>(interval.from_us + interval.to_us) / 2e6);
  }
  /// What is below a line in the upper panel. Behind the last phase come no clients, and neither has points.
  template <typename Y>
  void area(const char* colour, Y&& y_of) {
    constexpr double kFloor = kFirstTop + kPanelHeight;
    std::string path;
    bool down = false;
    double last_x = 0;
    const auto close = [&] {
      if (down) path += fmt::format("L{:.1f} {:g} Z ", last_x, kFloor);
      down = false;
    };
    for (const Interval& interval : seconds_) {
      const std::optional<double> y = y_of(interval);
      if (!y) {
        close();
        continue;
      }
      last_x = middle_x(interval);
      if (!down) path += fmt::format("M{:.1f} {:g} ", last_x, kFloor);
      path += fmt::format("L{:.1f} {:.1f} ", last_x, *y);
      down = true;
    }
    close();
    if (!path.empty())
      text_ +=
          fmt::format("<path class=\"area\" d=\"{}\" fill=\"{}\" fill-opacity=\"0.08\"/>\n", path, colour);
  }
  /// A point in the middle of each interval for which `y_of` has one; where it has none, the line breaks.
  template <typename Y>
  void line(const std::string& name, const char* colour, const char* dashes, Y&& y_of) {
    std::string path;
    bool down = false;
    for (const Interval& interval : seconds_) {
      const std::optional<double> y = y_of(interval);
      if (y) {
        path += fmt::format("{}{:.1f} {:.1f} ", down ? 'L' : 'M', middle_x(interval), *y);
        // A lone point is seen as well.
        if (!down) path += "l0.1 0 ";
      }
      down = y.has_value();
    }
    if (!path.empty())
      text_ += fmt::format(
          "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linecap=\"round\" "
          "stroke-dasharray=\"{}\"/>\n",
          path, colour, *dashes == '\0' ? "none" : dashes);
    const double at_x = kLeft + 160 * static_cast<double>(legends_++), at_y = kHeight - 18;
    text_ += fmt::format(
        "<line x1=\"{:g}\" y1=\"{:g}\" x2=\"{:g}\" y2=\"{:g}\" stroke=\"{}\" stroke-width=\"2\" "
        "stroke-dasharray=\"{}\"/>\n",
        at_x, at_y, at_x + 26, at_y, colour, *dashes == '\0' ? "none" : dashes);
    label(at_x + 32, at_y + 4, "start", name);
  }

  const Record& record_;
  std::vector<Interval> seconds_;
  double length_s_ = 0, lowest_ = -1, highest_ = 1;  // decades of milliseconds
  int legends_ = 0;
  std::string text_;
};

}  // namespace

std::string svg_of(const Record& record, const std::string& title) { return Picture{record, title}.draw(); }

}  // namespace synward::load
