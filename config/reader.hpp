// Reads one TOML table as its rows in schema.hpp say: what is asked for by name, and at the end what nobody
// asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "config/schema.hpp"

namespace synward::config {

/// Collects errors in the order in which they are found; sorted() gives them in the order of the file.
class Errors {
 public:
  explicit Errors(std::string file) : file_{std::move(file)} {}
  void add(toml::source_position at, const std::string& what);
  [[nodiscard]] std::vector<std::string> sorted();

  /// "key = value: allowed is ..."
  void refuse(const toml::node& node, const std::string& key, const std::string& allowed);
  /// Every key of `table` that is not `known` is an error; `path` is the table's own, "" for the file.
  void refuse_unknown(const toml::table& table, const std::string& path,
                      const std::vector<std::string_view>& known);

 private:
  struct Error {
    toml::source_position at;
    std::string text;
  };
  std::string file_;
  std::vector<Error> found_;
};

/// What is asked for must be a row of schema.hpp and of its type, and every row of the table must be asked
/// for: else std::logic_error is thrown, by any config.
class Reader {
 public:
  /// `path` is what errors call the table, "service[1]"; `mode` is the config's.
  Reader(const toml::table& table, const Table& row, std::string path, Mode mode, Errors& errors)
      : table_{table}, row_{row}, path_{std::move(path)}, mode_{mode}, errors_{errors} {}

  /// The value of `key`. Nothing when it is not there, and, after an error, when it is required and missing
  /// or not what its row allows.
  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key);
  [[nodiscard]] std::optional<bool> flag(std::string_view key);
  /// Calls `take(text)` for each text of the list `key`; when it says no, the text is refused.
  template <typename Take>
  void each_text(std::string_view key, Take&& take) {
    const toml::node* node = find(key, Type::kTexts);
    if (node == nullptr) return;
    const toml::array* list = node->as_array();
    if (list == nullptr) return refuse(key);
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto* text = (*list)[i].as_string();
      if (text == nullptr || !take(text->get())) {
        errors_.refuse((*list)[i], full(key) + "[" + std::to_string(i) + "]", allowed_words(key));
      }
    }
  }

  /// The value of `key`, which is there, is not one that its row allows; or not one that is `allowed`.
  void refuse(std::string_view key) { refuse(key, allowed_words(key)); }
  void refuse(std::string_view key, const std::string& allowed);

  /// Every key that was not asked for is an error.
  void finish();

  [[nodiscard]] Mode mode() const { return mode_; }

 private:
  /// The node of `key`, whatever its type, unless the mode has no use for it.
  const toml::node* find(std::string_view key, Type type);
  template <typename T>
  std::optional<T> get(std::string_view key, Type type);
  [[nodiscard]] std::string full(std::string_view key) const { return path_ + "." + std::string{key}; }
  [[nodiscard]] std::string allowed_words(std::string_view key) const;

  const toml::table& table_;
  const Table& row_;
  std::string path_;
  Mode mode_;
  Errors& errors_;
  std::vector<std::string_view> asked_;
};

}  // namespace synward::config
