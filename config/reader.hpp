// Reads one TOML table: what is asked for by name and type, and at the end what nobody asked for.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace synward::config {

/// Collects errors in the order in which they are found; sorted() gives them in the order of the file.
class Errors {
 public:
  explicit Errors(std::string file) : file_{std::move(file)} {}
  void add(const toml::source_region& where, const std::string& what) { add(where.begin, what); }
  void add(toml::source_position at, const std::string& what) {
    found_.push_back(
        {at, file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + what});
  }
  [[nodiscard]] std::vector<std::string> sorted() {
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    std::vector<std::string> lines;
    for (auto& error : found_) lines.push_back(std::move(error.text));
    return lines;
  }

 private:
  struct Error {
    toml::source_position at;
    std::string text;
  };
  std::string file_;
  std::vector<Error> found_;
};

/// Of `known`, the key that differs from `key` in the fewest letters.
[[nodiscard]] std::string nearest(std::string_view key, const std::vector<std::string>& known);

class Reader {
 public:
  /// `path` is the table's own: "" for the file, "service[1]".
  Reader(const toml::table& table, std::string path, Errors& errors)
      : table_{table}, path_{std::move(path)}, errors_{errors} {}

  /// The value of `key`; absent, after an error, when it has another type or `key` is missing and `required`.
  template <typename T>
  std::optional<T> get(std::string_view key, const std::string& allowed, bool required) {
    const toml::node* node = find(key, allowed, required);
    if (node == nullptr) return std::nullopt;
    if (const auto* value = node->as<T>()) return value->get();
    refuse(key, allowed);
    return std::nullopt;
  }
  /// The node of `key`, whatever its type.
  const toml::node* find(std::string_view key, const std::string& allowed, bool required) {
    known_.emplace_back(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr && required)
      errors_.add(table_.source(), full(key) + " is missing: it must be " + allowed);
    return node;
  }
  /// The value of `key` is not one that is allowed.
  void refuse(std::string_view key, const std::string& allowed) {
    refuse(*table_.get(key), full(key), allowed);
  }
  /// The same of an element of the array `key`.
  void refuse(std::string_view key, std::size_t index, const std::string& allowed) {
    refuse((*table_.get(key)->as_array())[index], full(key) + "[" + std::to_string(index) + "]", allowed);
  }
  /// Every key that was not asked for is an error.
  void finish() {
    for (const auto& [key, node] : table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
      errors_.add(key.source(), "unknown key " + full(key.str()) + "; the nearest known one is " +
                                    full(nearest(key.str(), known_)));
    }
  }
  [[nodiscard]] std::string full(std::string_view key) const {
    return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
  }

 private:
  void refuse(const toml::node& node, const std::string& name, const std::string& allowed) {
    std::ostringstream text;
    if (const auto* string = node.as_string()) {
      text << '"' << string->get() << '"';  // as people write it; toml++ prefers single quotes
    } else {
      node.visit([&](const auto& value) { text << value; });
    }
    errors_.add(node.source(), name + " = " + text.str() + ": allowed is " + allowed);
  }

  const toml::table& table_;
  std::string path_;
  Errors& errors_;
  std::vector<std::string> known_;
};

}  // namespace synward::config
