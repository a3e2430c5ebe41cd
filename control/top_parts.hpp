// The parts that `synward top` is put together from; for top_screen.cpp alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/top_screen.hpp"

namespace synward::control {

/// Who gets rows first where there are few.
enum class Rank : std::uint8_t {
  kHeader,
  kNotices,
  kRates,
  kServices,
  kConnections,
  kCores,
  kBackends,
  kSources
};

/// A part of the screen, over all columns.
struct Part {
  Rank rank;
  std::size_t least, most;                                    ///< rows that it has a use for
  std::function<std::vector<std::string>(std::size_t)> draw;  ///< in so many of these
  std::size_t rows = 0;
};

/// Each keeps `view` and `screen`, and is drawn before these end.
[[nodiscard]] Part header(const TopView& view, const Screen& screen);
/// What is wrong, each on a line; when nobody answers, that alone, and all of it.
[[nodiscard]] Part notices(const TopView& view, const Screen& screen);
[[nodiscard]] Part rates(const TopView& view, const Screen& screen);
[[nodiscard]] Part connections(const TopView& view, const Screen& screen);
/// A cell for each core, with how it went.
[[nodiscard]] Part cores_in_cells(const TopView& view, const Screen& screen);
/// A character for each core, as it is now.
[[nodiscard]] Part cores_in_short(const TopView& view, const Screen& screen);
/// The flooded ones first, then the busy ones.
[[nodiscard]] Part services(const TopView& view, const Screen& screen);
/// Side by side, as many lists as fit; the next ones below.
[[nodiscard]] std::vector<Part> sources(const TopView& view, const Screen& screen);
/// Those that are down first.
[[nodiscard]] Part backends(const TopView& view, const Screen& screen);

/// What has a width of its own has taken so many columns; the others.
[[nodiscard]] inline std::size_t rest(const Screen& screen, std::size_t taken) {
  return screen.columns - std::min(screen.columns, taken);
}
/// Whether columns that matter less have to go.
[[nodiscard]] inline bool is_narrow(const Screen& screen) { return screen.columns < 60; }

[[nodiscard]] inline std::string heading(std::string_view text, const Screen& screen) {
  return styled(fitted(text, screen.columns, screen.look), Style::kHeading, screen.look);
}

[[nodiscard]] inline std::optional<double> newest(const Series& series) {
  return series.empty() ? std::nullopt : series.back();
}

}  // namespace synward::control
