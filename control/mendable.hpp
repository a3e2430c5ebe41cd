// What is wrong with the machine when one command mends it.
#pragma once

#include <pwd.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

namespace synward::control {

/// `word` as the shell reads it back.
[[nodiscard]] inline std::string quoted(const std::string& word) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char letter : word) text += letter == '\'' ? "'\\''" : std::string(1, letter);
  return text + "'";
}

/// Whose process this is, for a command; its number when it has no name. Control thread.
[[nodiscard]] inline std::string user_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? std::to_string(::geteuid()) : entry->pw_name;
}

class Mendable : public std::runtime_error {
 public:
  /// what() is one sentence, of what is wrong and of what to do. `command`, for root's shell, does it.
  Mendable(std::string problem, std::string advice, std::string command)
      : std::runtime_error{problem + ": " + advice},
        problem_{std::move(problem)},
        advice_{std::move(advice)},
        command_{std::move(command)} {}

  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const std::string& command() const { return command_; }
  /// The same, told of `whose`.
  [[nodiscard]] Mendable of(const std::string& whose) const {
    return {whose + ": " + problem_, advice_, command_};
  }

 private:
  std::string problem_, advice_, command_;
};

}  // namespace synward::control
