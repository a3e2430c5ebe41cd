// What a browser shows: health, rates, drops and who sends them, asked anew every second.
#pragma once

#include <string>

namespace synward::control {

/// The answer to GET /: one HTML file, which asks for /stats and /health beside it and for nothing else.
/// Names and addresses come into it as text, never as HTML, and a browser is told to refuse it otherwise:
/// service names are an operator's, but prefixes are an attacker's choice.
[[nodiscard]] std::string page_response();

}  // namespace synward::control
