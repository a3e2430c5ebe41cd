#include "config/reader.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "config/nearest.hpp"

namespace synward::config {
namespace {

/// Within what its row says of length and choices.
bool is_allowed(const std::string& text, const Setting& row) {
  const auto bytes = static_cast<std::int64_t>(text.size());
  if (bytes < row.range.least || (row.range.most != 0 && bytes > row.range.most)) return false;
  return row.choices.empty() || std::any_of(row.choices.begin(), row.choices.end(),
                                            [&](const Choice& choice) { return choice.text == text; });
}

}  // namespace

void Errors::add(toml::source_position at, const std::string& what) {
  found_.push_back(
      {at, file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + what});
}

std::vector<std::string> Errors::sorted() {
  std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  std::vector<std::string> lines;
  for (auto& error : found_) lines.push_back(std::move(error.text));
  return lines;
}

void Errors::refuse(const toml::node& node, const std::string& key, const std::string& allowed) {
  std::ostringstream text;
  if (const auto* string = node.as_string()) {
    text << '"' << string->get() << '"';  // as people write it; toml++ prefers single quotes
  } else {
    node.visit([&](const auto& value) { text << value; });
  }
  add(node.source().begin, key + " = " + text.str() + ": allowed is " + allowed);
}

void Errors::refuse_unknown(const toml::table& table, const std::string& path,
                            const std::vector<std::string_view>& known) {
  const auto full = [&](std::string_view key) {
    return path.empty() ? std::string{key} : path + "." + std::string{key};
  };
  for (const auto& [key, node] : table) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    add(key.source().begin,
        "unknown key " + full(key.str()) + "; the nearest known one is " + full(nearest(key.str(), known)));
  }
}

template <typename T>
std::optional<T> Reader::get(std::string_view key, Type type) {
  const toml::node* node = find(key, type);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as<T>()) return value->get();
  refuse(key);
  return std::nullopt;
}

std::optional<std::string> Reader::text(std::string_view key) {
  auto text = get<std::string>(key, Type::kText);
  if (!text || is_allowed(*text, setting_row(row_.name, key))) return text;
  refuse(key);
  return std::nullopt;
}

std::optional<std::int64_t> Reader::integer(std::string_view key) {
  const auto number = get<std::int64_t>(key, Type::kInteger);
  const Range& range = setting_row(row_.name, key).range;
  if (!number || (*number >= range.least && *number <= range.most)) return number;
  refuse(key);
  return std::nullopt;
}

std::optional<bool> Reader::flag(std::string_view key) { return get<bool>(key, Type::kFlag); }

void Reader::refuse(std::string_view key, const std::string& allowed) {
  errors_.refuse(*table_.get(key), full(key), allowed);
}

void Reader::finish() {
  for (const Setting& setting : settings_of(row_)) {
    if (std::find(asked_.begin(), asked_.end(), setting.key) == asked_.end())
      throw std::logic_error{"nothing reads " + std::string{row_.name} + "." + std::string{setting.key}};
  }
  errors_.refuse_unknown(table_, path_, asked_);
}

const toml::node* Reader::find(std::string_view key, Type type) {
  const Setting& setting = setting_row(row_.name, key);
  if (setting.type != type)
    throw std::logic_error{"not of the type that config/schema.cpp says: " + full(key)};
  asked_.push_back(setting.key);
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    if (setting.required)
      errors_.add(table_.source().begin, full(key) + " is missing: it must be " + allowed(setting));
  } else if (!fits(setting.mode, mode_)) {
    refuse(key, std::string{allowed_in_other_mode(setting)});
    return nullptr;
  }
  return node;
}

std::string Reader::allowed_words(std::string_view key) const { return allowed(setting_row(row_.name, key)); }

}  // namespace synward::config
