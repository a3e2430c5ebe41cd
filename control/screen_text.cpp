#include "control/screen_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace synward::control {
namespace {

constexpr char32_t kBroken = 0xfffd;

/// Takes the first code point from `text`, which is not empty; kBroken for a byte that begins none.
char32_t take(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t bytes = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};  // by bytes: less is overlong
  char32_t code = bytes == 1 ? first : first & (0xffu >> (bytes + 1));
  bool whole = first < 0x80 || (first >= 0xc0 && first < 0xf8 && bytes <= text.size());
  for (std::size_t i = 1; whole && i < bytes; ++i) {
    whole = (byte(i) & 0xc0) == 0x80;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  whole = whole && code >= kLeast[bytes] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  text.remove_prefix(whole ? bytes : 1);
  return whole ? code : kBroken;
}

/// As terminals have it (UAX 11): wide scripts and pictures take two columns, combining marks none.
std::size_t width_of(char32_t code) {
  struct Range {
    char32_t first, last;
    std::size_t columns;
  };
  constexpr auto kRanges = std::to_array<Range>({
      {0x300, 0x36f, 0},
      {0x1100, 0x115f, 2},
      {0x200b, 0x200f, 0},
      {0x2e80, 0xa4cf, 2},
      {0xac00, 0xd7a3, 2},
      {0xf900, 0xfaff, 2},
      {0xfe00, 0xfe0f, 0},
      {0xfe30, 0xfe6f, 2},
      {0xff00, 0xff60, 2},
      {0xffe0, 0xffe6, 2},
      {0x1f300, 0x1faff, 2},
      {0x20000, 0x3fffd, 2},
  });
  for (const Range& range : kRanges) {
    if (code >= range.first && code <= range.last) return range.columns;
  }
  return 1;
}

std::string in_ascii(std::string_view text) {
  std::string ascii;
  while (!text.empty()) {
    const char32_t code = take(text);
    ascii += code < 0x80 ? static_cast<char>(code) : '?';
  }
  return ascii;
}

/// The first bytes of printable text that fill at most so many columns.
std::string_view first_columns(std::string_view text, std::size_t columns) {
  std::string_view rest = text;
  std::size_t used = 0;
  while (!rest.empty()) {
    std::string_view behind = rest;
    used += width_of(take(behind));
    if (used > columns) break;
    rest = behind;
  }
  return text.substr(0, text.size() - rest.size());
}

/// The last bytes, likewise.
std::string_view last_columns(std::string_view text, std::size_t columns) {
  while (columns_of(text) > columns) take(text);
  return text;
}

/// At most so many columns, of which the last `kept` are the end of the text when it is cut.
std::string cut(std::string_view text, std::size_t columns, std::size_t kept, Look look) {
  std::string shown = look.unicode ? std::string{text} : in_ascii(text);
  if (columns_of(shown) <= columns) return shown;
  if (columns == 0) return "";
  kept = std::min(kept, columns - 1);
  std::string result{first_columns(shown, columns - 1 - kept)};
  result += look.unicode ? "…" : "~";
  return result += last_columns(shown, kept);
}

std::string spaces(std::size_t columns, std::string_view beside) {
  return std::string(columns - std::min(columns, columns_of(beside)), ' ');
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t code = take(text);
    const bool obeyed = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == kBroken;
    result += obeyed ? "?" : before.substr(0, before.size() - text.size());
  }
  return result;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += width_of(take(text));
  return columns;
}

std::string fitted(std::string_view text, std::size_t columns, Look look) {
  return cut(text, columns, 0, look);
}

std::string left(std::string_view text, std::size_t columns, Look look) {
  const std::string shown = cut(text, columns, 0, look);
  return shown + spaces(columns, shown);
}

std::string right(std::string_view text, std::size_t columns, Look look) {
  const std::string shown = cut(text, columns, 0, look);
  return spaces(columns, shown) + shown;
}

std::string left_with_end(std::string_view text, std::size_t columns, Look look) {
  const std::string shown = cut(text, columns, columns / 2, look);
  return shown + spaces(columns, shown);
}

std::string compact(double number) {
  if (number < 9.95 && std::abs(number - std::round(number)) > 0.05) return fmt::format("{:.1f}", number);
  if (number < 9999.5) return fmt::format("{:.0f}", number);
  constexpr std::string_view kUnits = "kMGTPE";
  std::size_t unit = 0;
  number /= 1000;
  while (number >= 999.5 && unit + 1 < kUnits.size()) {
    number /= 1000;
    ++unit;
  }
  const int decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", number, decimals, kUnits[unit]);
}

std::string compact(std::optional<double> number) { return number ? compact(*number) : "-"; }

std::string percent_text(std::optional<double> share, int decimals) {
  return share ? fmt::format("{:.{}f}%", *share * 100, decimals) : "-";
}

std::string and_more(std::string_view what, std::size_t all, std::size_t shown) {
  return all > shown ? fmt::format("{} + {} more", what, all - shown) : std::string{what};
}

std::string duration_text(double seconds) {
  constexpr std::uint64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  const auto s = static_cast<std::uint64_t>(std::max(seconds, 0.0));
  if (s < kMinute) return fmt::format("{} s", s);
  if (s < kHour) return fmt::format("{} min {} s", s / kMinute, s % kMinute);
  if (s < kDay) return fmt::format("{} h {} min", s / kHour, s % kHour / kMinute);
  return fmt::format("{} d {} h", s / kDay, s % kDay / kHour);
}

std::string sparkline(const Series& series, std::size_t columns, double top, Look look) {
  constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 8> kAscii{"_", ".", ":", "-", "=", "+", "*", "#"};
  const std::size_t shown = std::min(columns, series.size());
  std::string line(columns - shown, ' ');
  for (std::size_t i = series.size() - shown; i < series.size(); ++i) {
    if (!series[i]) {
      line += ' ';
      continue;
    }
    const double share = top > 0 ? std::clamp(*series[i] / top, 0.0, 1.0) : 0;
    const auto level = static_cast<std::size_t>(std::ceil(share * 7));
    line += (look.unicode ? kBlocks : kAscii)[level];
  }
  return line;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns, Look look) {
  std::vector<std::string> lines;
  const std::string shown = look.unicode ? std::string{text} : in_ascii(text);
  std::string_view rest = shown;
  while (columns_of(rest) > columns && columns > 0) {
    // A character wider than the line gets one all the same, or this would not end.
    std::string_view line = first_columns(rest, columns), behind = rest;
    take(behind);
    if (line.empty()) line = rest.substr(0, rest.size() - behind.size());
    const bool between_words = rest[line.size()] == ' ';
    if (const auto space = line.rfind(' '); !between_words && space != std::string_view::npos && space > 0)
      line = line.substr(0, space);
    lines.emplace_back(line);
    rest.remove_prefix(line.size());
    if (rest.starts_with(' ')) rest.remove_prefix(1);
  }
  if (!rest.empty()) lines.emplace_back(rest);
  return lines;
}

std::string styled(std::string_view text, Style style, Look look) {
  // By Style. The sixteen colours only: what they look like is the person's choice, made in his terminal.
  constexpr std::array<std::string_view, 7> kCodes{"", "1", "2", "36", "32", "33", "1;31"};
  const std::string_view code = kCodes[static_cast<std::size_t>(style)];
  if (!look.colours || code.empty()) return std::string{text};
  return fmt::format("\033[{}m{}\033[m", code, text);
}

}  // namespace synward::control
