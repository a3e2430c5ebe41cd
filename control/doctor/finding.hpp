// What `synward doctor` has to say of one thing.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace synward::control::doctor {

enum class State : std::uint8_t {
  kOk,
  kWarn,  ///< synward runs, but slower, or not as well protected as it could be
  kFail,  ///< synward does not start, or loses frames
};

struct Finding {
  std::string check;  ///< a few words: what was looked at
  State state;
  std::string text;
  std::string command;  ///< for root's shell, which mends it; empty: nothing is to be done, or no command can
};
using Findings = std::vector<Finding>;

/// What a start would stop with; with its command, if it has one.
[[nodiscard]] Finding finding_of(std::string check, State state, const std::runtime_error& error);

void append(Findings& findings, Findings more);

[[nodiscard]] bool has_failed(const Findings& findings);

/// An array of {check, state, text, command}.
[[nodiscard]] nlohmann::ordered_json findings_json(const Findings& findings);

/// One paragraph for each of `topics`, at most 100 columns wide but for commands and long words, which stand
/// whole so that they can be copied; last a line of how many there are of each state.
[[nodiscard]] std::string findings_text(const std::vector<Findings>& topics);

}  // namespace synward::control::doctor
