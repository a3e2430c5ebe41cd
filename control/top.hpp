// `synward top`: a screen that a person leaves open.
#pragma once

#include <string>

namespace synward::control {

struct TopOptions {
  std::string socket;
  double interval_s = 1;
  bool once = false;  ///< one screen as plain text, for scripts
};

/// Asks the synward at `socket` every interval, and draws what became of it, until q or Ctrl-C; also while
/// nobody answers, for synward may come back. With `once`, or without a terminal that can show it: one screen
/// on stdout, after an interval. Main thread, before any other. Throws std::runtime_error, one sentence, when
/// there is nothing to print.
void run_top(const TopOptions& options);

}  // namespace synward::control
