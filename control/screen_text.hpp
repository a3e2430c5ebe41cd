// Text in columns: what a terminal screen is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synward::control {

/// What the terminal can show.
struct Look {
  bool unicode = false, colours = false;
};

/// A figure moment by moment, the newest last; nothing: it is not known.
using Series = std::deque<std::optional<double>>;

/// `text` without what a terminal would obey: control characters and broken UTF-8 become '?'.
[[nodiscard]] std::string printable(std::string_view text);
/// Of printable text in UTF-8: columns on a terminal.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// Printable text in at most so many columns; an ellipsis tells that it was cut. Without Unicode, what is not
/// ASCII becomes '?'.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns, Look look);
/// The same, but filled up with spaces.
[[nodiscard]] std::string left(std::string_view text, std::size_t columns, Look look);
[[nodiscard]] std::string right(std::string_view text, std::size_t columns, Look look);
/// As left(), but what does not fit is cut from the middle: an address keeps its port.
[[nodiscard]] std::string left_with_end(std::string_view text, std::size_t columns, Look look);

/// In at most five characters: "0.3", "9876", "12.3k", "1.23M".
[[nodiscard]] std::string compact(double number);
/// The same of what may be unknown: "-".
[[nodiscard]] std::string compact(std::optional<double> number);
/// Of a part from 0 to 1: "12.3%", with as many decimals as told; or "-".
[[nodiscard]] std::string percent_text(std::optional<double> share, int decimals);
/// "services + 12 more", when not all are shown; else "services"
[[nodiscard]] std::string and_more(std::string_view what, std::size_t all, std::size_t shown);
/// "59 s", "4 min 5 s", "3 h 12 min", "3 d 4 h"
[[nodiscard]] std::string duration_text(double seconds);

/// The last `columns` of `series`, right-aligned, one character each: as high as the figure beside `top`,
/// lowest for nothing only; a space where nothing is known.
[[nodiscard]] std::string sparkline(const Series& series, std::size_t columns, double top, Look look);

/// Lines of at most `columns`, broken at spaces where there are any.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t columns, Look look);

enum class Style : std::uint8_t { kPlain, kHeading, kFaint, kGraph, kGood, kWarning, kAlarm };
/// `text`, coloured where the terminal can.
[[nodiscard]] std::string styled(std::string_view text, Style style, Look look);

}  // namespace synward::control
