// Every setting there is, once: what load.hpp allows, what `synward check` prints, the reference page and the
// JSON Schema all come from the rows in schema.cpp. A new setting is a row there, and a line each in
// config.hpp, load.cpp and print.cpp; whichever is forgotten fails the tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace synward::config {

enum class Type : std::uint8_t { kText, kTexts, kInteger, kFlag };

/// How many ports a setting belongs to, or a config has. kAny: to each number, or not known.
enum class Mode : std::uint8_t { kAny, kOnePort, kTwoPorts };

/// Whether what belongs to `one` has a use where `other` is in force.
[[nodiscard]] constexpr bool fits(Mode one, Mode other) {
  return one == Mode::kAny || other == Mode::kAny || one == other;
}

[[nodiscard]] inline Mode mode_of(const Config& config) {
  if (config.ports.size() == 1) return Mode::kOnePort;
  return is_inline(config) ? Mode::kTwoPorts : Mode::kAny;
}

struct Choice {
  std::string_view text;
  Mode mode = Mode::kAny;
};

/// Of an integer: its values; of a text: its length in bytes. The notes stand behind the numbers when people
/// are told.
struct Range {
  std::int64_t least = 0, most = 0;  ///< most == 0: without end
  std::string_view least_note{}, most_note{};
};

struct Setting {
  std::string_view table, key;
  Type type = Type::kText;
  Mode mode = Mode::kAny;
  bool required = false;
  /// The default, as TOML and JSON write it; else, when it may be left out, what is then the case, in words.
  std::string_view standard{}, otherwise{};
  /// What a value is, in the words of an error; allowed() adds what the fields below say.
  std::string_view words{};
  std::string_view each{};  ///< of a list: what each of its texts is
  Range range{};
  std::span<const Choice> choices{};
  /// Regular expression that every right text matches (each one of a list), and most wrong ones do not.
  std::string_view pattern{};
  std::string_view help;  ///< sentences for people; Markdown
};

/// A table of the file: [name], which may be left out; with `most`, an array of tables, [[name]].
struct Table {
  std::string_view name;
  std::size_t least = 0, most = 0;
  bool live = false;  ///< `synward reload` takes over what differs; of the others it takes nothing
  std::string_view help;
};

/// In the order in which people are shown them; the settings of a table stand together.
[[nodiscard]] std::span<const Table> tables();
[[nodiscard]] std::span<const Setting> settings();
[[nodiscard]] std::span<const Setting> settings_of(const Table& table);

/// Throws std::logic_error when there is no such row.
[[nodiscard]] const Table& table_row(std::string_view name);
[[nodiscard]] const Setting& setting_row(std::string_view table, std::string_view key);

/// What may be written, as errors say it: "seconds, 1 to 604800 (a week)".
[[nodiscard]] std::string allowed(const Setting& setting);
[[nodiscard]] std::string allowed(const Table& table);

/// What is allowed where `mode` has no use for `setting`.
[[nodiscard]] std::string_view allowed_in_other_mode(const Setting& setting);

/// "[workers]" or "[[port]]".
[[nodiscard]] std::string heading(const Table& table);

}  // namespace synward::config
