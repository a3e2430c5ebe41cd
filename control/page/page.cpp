#include "control/page/page.hpp"

#include <string_view>

#include <nlohmann/json.hpp>

#include "control/http_server.hpp"
#include "control/page/embedded.hpp"
#include "control/port_watch.hpp"
#include "dataplane/drop.hpp"
#include "dataplane/event.hpp"
#include "dataplane/gauge.hpp"

namespace synward::control {
namespace {

template <typename Enum>
nlohmann::json help_by_label(const Table<Enum>& table) {
  auto object = nlohmann::json::object();
  for (const auto& row : table) object[std::string{row.label}] = row.help;
  return object;
}

/// What the labels of /stats mean.
nlohmann::json meanings() {
  nlohmann::json all{{"drops", help_by_label(kDropTable)},
                     {"events", help_by_label(kEventTable)},
                     {"gauges", help_by_label(kGaugeTable)}};
  for (const auto& [label, help] : port_losses()) all["losses"][std::string{label}] = help;
  return all;
}

/// Scripts and styles are the page's own, to the byte; it talks to where it came from, stands in no other
/// page, and makes no HTML of text (Trusted Types).
std::string policy() {
  return "default-src 'none'; connect-src 'self'; img-src data:; style-src " + std::string{kPageStyles} +
         "; script-src " + std::string{kPageScripts} +
         "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
         "trusted-types 'none'";
}

}  // namespace

std::string page_response() {
  constexpr std::string_view kMeanings = "<script type=\"application/json\" id=\"meanings\">";
  std::string html{kPageHtml};
  html.insert(html.find(kMeanings) + kMeanings.size(), meanings().dump());
  return http_response("200 OK", "text/html; charset=utf-8", html,
                       "Content-Security-Policy: " + policy() +
                           "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                           "Cache-Control: no-store\r\n");
}

}  // namespace synward::control
