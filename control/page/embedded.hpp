// What the build makes of the files of this folder: embed.py.
#pragma once

#include <string_view>

namespace synward::control {

/// page.html with the style and the scripts that it names in it.
extern const std::string_view kPageHtml;
/// As a Content-Security-Policy names them: 'sha256-...', separated by spaces.
extern const std::string_view kPageStyles, kPageScripts;

}  // namespace synward::control
