// One row = one reason = one counter = one metric label: what drop.hpp, route.hpp and event.hpp have in
// common.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace synward {

/// What people see of one value of Enum. `label` is the metric's label and the JSON key; `help` is one line
/// for a person.
template <typename Enum>
struct Row {
  Enum value;
  std::string_view label, help;
};

/// How many values Enum has: its last enumerator is kCount.
template <typename Enum>
inline constexpr std::size_t kCountOf = static_cast<std::size_t>(Enum::kCount);

template <typename Enum>
using Table = std::array<Row<Enum>, kCountOf<Enum>>;

/// True when every value has its row, in the enum's order, with a label and a help text. A forgotten row is
/// value-initialised, so it fails here too, at compile time.
template <typename Enum>
[[nodiscard]] constexpr bool rows_in_enum_order(const Table<Enum>& table) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].value != static_cast<Enum>(i) || table[i].label.empty() || table[i].help.empty())
      return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (table[i].label == table[j].label) return false;
    }
  }
  return true;
}

}  // namespace synward
