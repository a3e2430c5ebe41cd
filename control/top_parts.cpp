#include "control/top_parts.hpp"

#include <fmt/format.h>

namespace synward::control {
namespace {

using Lines = std::vector<std::string>;

std::optional<double> peak(const Series& series, std::size_t moments) {
  std::optional<double> most;
  for (std::size_t i = series.size() - std::min(moments, series.size()); i < series.size(); ++i)
    most = std::max(most, series[i]);
  return most;
}

/// A line of the topmost part.
struct Figure {
  std::string_view label;
  const Series& series;
  bool is_share = false;
};

/// Those that matter most first.
std::vector<Figure> figures(const TopView& view) {
  const auto rate = [&](TopRate which) -> const Series& {
    return view.rates[static_cast<std::size_t>(which)];
  };
  std::vector<Figure> all{{"SYN in", rate(TopRate::kSynIn)},
                          {"SYN-ACK out", rate(TopRate::kSynAckOut)},
                          {"valid cookies", rate(TopRate::kValid)},
                          {"bad cookies", rate(TopRate::kInvalid)},
                          {"established", rate(TopRate::kEstablished)}};
  constexpr std::string_view kFill[] = {"IPv4 table", "IPv6 table"};
  for (std::size_t family = 0; family < view.connections.size(); ++family) {
    const auto& connections = view.connections[family];
    if (connections.capacity && *connections.capacity != 0)
      all.push_back({kFill[family], connections.fill, true});
  }
  all.push_back({"dropped", rate(TopRate::kDropped)});
  return all;
}

std::string figure_line(const Figure& figure, std::size_t graph, const Screen& screen) {
  constexpr double kNearlyFull = 0.9;
  const auto text = [&](std::optional<double> value) {
    return figure.is_share ? percent_text(value, 1) : compact(value);
  };
  const auto now = newest(figure.series), most = peak(figure.series, graph);
  auto line = left(figure.label, 15, screen.look);
  line +=
      styled(right(text(now), 7, screen.look),
             figure.is_share && now.value_or(0) >= kNearlyFull ? Style::kAlarm : Style::kPlain, screen.look);
  if (!is_narrow(screen)) line += right(text(most), 8, screen.look);
  const double top = figure.is_share ? 1 : most.value_or(0);
  auto curve = "  " + sparkline(figure.series, graph, top, screen.look);
  curve.erase(curve.find_last_not_of(' ') + 1);
  return line + styled(curve, Style::kGraph, screen.look);
}

}  // namespace

Part header(const TopView& view, const Screen& screen) {
  return {Rank::kHeader, 1, 1, [&](std::size_t) -> Lines {
            const std::string what =
                view.version.empty()
                    ? "synward top"
                    : fmt::format("synward {}  {} worker{}  up {}", view.version, view.cores.size(),
                                  view.cores.size() == 1 ? "" : "s", duration_text(view.uptime_s));
            const auto hint =
                fmt::format("every {} s{}", compact(view.interval_s), screen.has_keys ? "  q quits" : "");
            const std::size_t room = rest(screen, hint.size() + 2);
            if (room < columns_of(what)) return {heading(what, screen)};
            return {styled(left(what, room + 2, screen.look), Style::kHeading, screen.look) +
                    styled(hint, Style::kFaint, screen.look)};
          }};
}

Part notices(const TopView& view, const Screen& screen) {
  if (!view.silence.empty()) {
    const std::string since =
        view.version.empty() ? "No answer yet" : "No answer for " + duration_text(view.silent_s);
    const auto why =
        fmt::format("{}, asked again every {} s: {}", since, compact(view.interval_s), view.silence);
    const auto lines = wrapped(why, screen.columns, screen.look);
    return {Rank::kNotices, std::min(lines.size(), screen.rows - 1), lines.size(), [=](std::size_t rows) {
              Lines shown{lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(rows)};
              for (auto& line : shown) line = styled(line, Style::kAlarm, screen.look);
              return shown;
            }};
  }
  return {
      Rank::kNotices, std::min<std::size_t>(view.warnings.size(), 1), view.warnings.size(),
      [&](std::size_t rows) {
        Lines shown;
        for (std::size_t i = 0; i < rows; ++i) {
          const bool is_last = i + 1 == rows;
          const auto text =
              is_last ? and_more(view.warnings[i], view.warnings.size(), rows) : view.warnings[i];
          shown.push_back(styled(fitted(text, screen.columns, screen.look), Style::kWarning, screen.look));
        }
        return shown;
      }};
}

Part rates(const TopView& view, const Screen& screen) {
  constexpr std::size_t kHeadingAndOne = 2, kHeadingAndRates = 6;
  const std::size_t least = std::clamp(screen.rows - 1, kHeadingAndOne, kHeadingAndRates);
  return {Rank::kRates, least, 1 + figures(view).size(), [&](std::size_t rows) {
            const std::size_t graph = rest(screen, is_narrow(screen) ? 24 : 32);
            const auto span = duration_text(static_cast<double>(graph) * view.interval_s);
            Lines lines{heading(fmt::format("{:<15}{:>7}{}  last {}", "per second", "now",
                                            is_narrow(screen) ? "" : "    peak", span),
                                screen)};
            const auto all = figures(view);
            for (std::size_t i = 0; i + 1 < rows; ++i) lines.push_back(figure_line(all[i], graph, screen));
            return lines;
          }};
}

Part connections(const TopView& view, const Screen& screen) {
  return {Rank::kConnections, 1, 1, [&](std::size_t) -> Lines {
            std::string text = "connections";
            constexpr std::string_view kFamilies[] = {"IPv4", "IPv6"};
            for (std::size_t family = 0; family < view.connections.size(); ++family) {
              const auto& [now, capacity, fill] = view.connections[family];
              text += fmt::format("  {} {}", kFamilies[family], compact(static_cast<double>(now)));
              if (capacity) text += fmt::format(" of {}", compact(static_cast<double>(*capacity)));
            }
            if (view.accept_queue != 0)
              text += fmt::format("  accept queue {}", compact(static_cast<double>(view.accept_queue)));
            return {fitted(text, screen.columns, screen.look)};
          }};
}

}  // namespace synward::control
