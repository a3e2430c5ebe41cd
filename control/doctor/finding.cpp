#include "control/doctor/finding.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "control/mendable.hpp"

namespace synward::control::doctor {
namespace {

constexpr std::array<std::string_view, 3> kStates{"ok", "warn", "fail"};
constexpr std::size_t kColumns = 100, kStateColumns = 6;

std::string_view name_of(State state) { return kStates[static_cast<std::size_t>(state)]; }

/// `text` in lines of at most `width`, each behind `indent` spaces but the first.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  std::istringstream words{text};
  std::string lines;
  std::size_t used = 0;
  for (std::string word; words >> word;) {
    if (used != 0 && used + 1 + word.size() > width) {
      lines += "\n" + std::string(indent, ' ');
      used = 0;
    }
    lines += (used == 0 ? "" : " ") + word;
    used += word.size() + (used == 0 ? 0 : 1);
  }
  return lines;
}

/// `command` in lines that a shell reads as one.
std::string broken(std::string command, std::size_t width, std::size_t indent) {
  constexpr std::string_view kAnd = " && ";
  if (command.size() <= width) return command;
  const std::string line_break = "\n" + std::string(indent, ' ');
  for (auto at = command.find(kAnd); at != std::string::npos; at = command.find(kAnd, at))
    command.replace(at + kAnd.size() - 1, 1, line_break);
  return command;
}

}  // namespace

Finding finding_of(std::string check, State state, const std::runtime_error& error) {
  if (const auto* mendable = dynamic_cast<const Mendable*>(&error))
    return {std::move(check), state, mendable->problem(), mendable->command()};
  return {std::move(check), state, error.what(), ""};
}

void append(Findings& findings, Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(findings));
}

bool has_failed(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.state == State::kFail; });
}

nlohmann::ordered_json findings_json(const Findings& findings) {
  auto array = nlohmann::ordered_json::array();
  for (const Finding& finding : findings)
    array.push_back({{"check", finding.check},
                     {"state", name_of(finding.state)},
                     {"text", finding.text},
                     {"command", finding.command}});
  return array;
}

std::string findings_text(const std::vector<Findings>& topics) {
  constexpr std::string_view kMend = "mend it:";
  std::size_t longest = kMend.size() - 1;  // the others get a colon, too
  std::array<std::size_t, kStates.size()> count{};
  for (const Findings& topic : topics) {
    for (const Finding& finding : topic) {
      longest = std::max(longest, finding.check.size());
      ++count[static_cast<std::size_t>(finding.state)];
    }
  }
  constexpr std::size_t kLongestCheck = 24;
  const std::size_t column = std::min(longest, kLongestCheck) + 2;  // a colon and a space
  const std::size_t indent = kStateColumns + column;
  std::string text;
  for (const Findings& topic : topics) {
    if (topic.empty()) continue;
    for (const Finding& finding : topic) {
      text += fmt::format("{:<{}}{:<{}}{}\n", name_of(finding.state), kStateColumns, finding.check + ": ",
                          column, wrapped(finding.text, kColumns - indent, indent));
      if (!finding.command.empty())
        text += fmt::format("{:{}}{:<{}}{}\n", "", kStateColumns, kMend, column,
                            broken(finding.command, kColumns - indent, indent));
    }
    text += "\n";
  }
  return text + fmt::format("{} ok, {} warn, {} fail\n", count[0], count[1], count[2]);
}

}  // namespace synward::control::doctor
