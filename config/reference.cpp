#include "config/reference.hpp"

#include <sstream>
#include <string_view>

#include "config/schema.hpp"

namespace synward::config {
namespace {

constexpr std::size_t kColumns = 110;

constexpr std::string_view kBegin =
    "The config is one TOML file. `synward check -c FILE` says what is wrong with it, and where, or prints "
    "every "
    "setting that is in force; `synward run -c FILE` serves it. A key that is not on this page is an error. "
    "This is "
    "a whole config:";
constexpr std::string_view kExample = R"(```toml
[[port]]
name = "outside"
device = "0000:3b:00.0"

[[port]]
name = "inside"
device = "0000:3b:00.1"

[[service]]
name = "web"
address = "198.18.0.10"
port = 443
```
)";
constexpr std::string_view kSamples =
    "To begin with, copy [`inline.toml`](inline.toml) (two NICs), [`host.toml`](host.toml) (a NIC, before "
    "this "
    "machine's own services), [`endpoint.toml`](endpoint.toml) (synward takes the connections itself) or "
    "[`veth.toml`](veth.toml) (a laboratory without any NIC). [`README.md`](README.md) is the way from a "
    "NIC's cable "
    "to its service.";
constexpr std::string_view kOrigin =
    "This page is what `synward check --reference` prints. `synward check --schema` prints the same as JSON "
    "Schema, "
    "for editors that complete and check what one types.";

/// `text` in lines of at most kColumns; those behind the first begin with `indent`.
std::string wrapped(std::string_view text, std::string_view indent = "") {
  std::string lines;
  std::size_t column = 0;
  std::istringstream words{std::string{text}};
  for (std::string word; words >> word;) {
    if (column != 0 && column + 1 + word.size() > kColumns) {
      lines += "\n" + std::string{indent};
      column = indent.size();
    } else if (column != 0) {
      lines += " ";
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines + "\n";
}

std::string_view name_of(Type type) {
  switch (type) {
    case Type::kText:
      return "string";
    case Type::kTexts:
      return "array of strings";
    case Type::kInteger:
      return "integer";
    case Type::kFlag:
      return "boolean";
  }
  return "";
}

std::string default_of(const Setting& setting) {
  if (setting.required) return "required";
  if (setting.standard.empty()) return "unless told: " + std::string{setting.otherwise};
  return "default: `" + std::string{setting.standard} + "`";
}

void print_setting(std::ostream& out, const Setting& setting) {
  out << "\n### `" << setting.key << "`\n\n" << wrapped(setting.help) << "\n";
  out << "- " << name_of(setting.type) << "; " << default_of(setting) << "\n";
  out << wrapped("- allowed: " + allowed(setting), "  ");
  if (setting.mode != Mode::kAny)
    out << "- only with " << (setting.mode == Mode::kOnePort ? "one port" : "two ports") << "\n";
}

/// How many there may be of an array's tables.
std::string number_of(const Table& table) {
  if (table.most == 0) return "";
  return " There are " + std::to_string(table.least) + " to " + std::to_string(table.most) + " of these.";
}

std::string when_taken(const Table& table) {
  return table.live ? " `synward reload` takes over what changes here."
                    : " What changes here wants a restart.";
}

}  // namespace

std::string reference() {
  std::ostringstream out;
  out << "# Every setting\n\n" << wrapped(kBegin) << "\n" << kExample << "\n" << wrapped(kSamples);
  out << "\n| table | settings |\n| --- | --- |\n";
  for (const Table& table : tables()) {
    out << "| [`" << heading(table) << "`](#" << table.name << ") |";
    for (const Setting& setting : settings_of(table)) out << " `" << setting.key << "`";
    out << " |\n";
  }
  out << "\n" << wrapped(kOrigin);
  for (const Table& table : tables()) {
    out << "\n## `" << heading(table) << "`\n\n"
        << wrapped(std::string{table.help} + number_of(table) + when_taken(table));
    for (const Setting& setting : settings_of(table)) print_setting(out, setting);
  }
  return out.str();
}

}  // namespace synward::config
