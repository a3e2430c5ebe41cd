// Mirrors control/metrics.hpp, metrics_server.hpp and page/page.hpp: every number under the name that its
// label makes, and the socket that serves them.
#include "control/metrics.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/values.hpp"
#include "control/descriptor.hpp"
#include "control/metrics_server.hpp"
#include "control/page/page.hpp"
#include "control/port_watch.hpp"
#include "control/stats_report.hpp"
#include "dataplane/service_counters.hpp"

namespace synward::control {
namespace {

using testing::HasSubstr;

nlohmann::json two_cores() {
  std::vector<CounterReading> cores(2);
  cores[0].rx = 3;
  cores[1].rx = 0x1'0000'0001;
  cores[1].drop[std::size_t(Drop::kSynFin)] = 2;
  cores[1].event[std::size_t(Event::kSynAnswered)] = 4;
  cores[0].gauge[std::size_t(Gauge::kConnections6)] = 5;
  auto& round_trips = cores[1].timing[std::size_t(Timing::kBackendRoundTrip)];
  round_trips.count[0] = 7;
  round_trips.count[2] = 1;
  round_trips.count[kTimingBuckets - 1] = 2;
  round_trips.sum = 1'500'000;
  return stats_json(cores, 12.5);
}

TEST(Metrics, HaveOneForEveryRow) {
  const auto text = metrics_text(two_cores());
  for (const auto& row : kEventTable)
    EXPECT_THAT(text, HasSubstr("# TYPE synward_" + std::string{row.label} + "_total counter\n"));
  for (const auto& row : kGaugeTable)
    EXPECT_THAT(text, HasSubstr("# TYPE synward_" + std::string{row.label} + " gauge\n"));
  for (const auto& row : kDropTable)
    EXPECT_EQ(text.find("reason=\"" + std::string{row.label} + "\"") != std::string::npos,
              row.value != Drop::kNone);
  for (const ScalarRow& row : kScalarTable)
    EXPECT_THAT(text, HasSubstr("# HELP synward_" + std::string{row.label} +
                                (row.is_gauge ? " " : "_total ") + std::string{row.help} + "\n"));
  for (const VerdictRow& row : kVerdictTable)
    EXPECT_THAT(text,
                HasSubstr("synward_frames_total{core=\"1\",verdict=\"" + std::string{row.label} + "\"} "));
}

TEST(Metrics, SayWhatWasCounted) {
  const auto text = metrics_text(two_cores());
  for (const char* line : {"synward_rx_total{core=\"0\"} 3\n", "synward_rx_total{core=\"1\"} 4294967297\n",
                           "synward_drops_total{core=\"1\",reason=\"syn_fin\"} 2\n",
                           "synward_syn_answered_total{core=\"1\"} 4\n",
                           "synward_connections6{core=\"0\"} 5\n", "synward_uptime_seconds 12.5\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, TimingsAreCumulativeAndInSeconds) {
  const auto text = metrics_text(two_cores());
  const std::string name = "synward_backend_round_trip_seconds";
  EXPECT_THAT(text, HasSubstr("# TYPE " + name + " histogram\n"));
  EXPECT_THAT(text, HasSubstr(name + "_count{core=\"1\"} 10\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum{core=\"1\"} 1.5\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{core=\"1\",le=\"1.6"));  // 16 us
  EXPECT_THAT(text, HasSubstr(name + "_bucket{core=\"1\",le=\"+Inf\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE synward_burst_cycles histogram\n"));
}

TEST(Metrics, NamesOfPortsAndBackendsAreEscaped) {
  auto stats = two_cores();
  nlohmann::json port{{"name", "a\"b\\c\nd"}, {"link", "up"}, {"link_mbps", 25000}, {"resets", 1}};
  for (const auto& [label, help] : port_losses()) port[std::string{label}] = 6;
  port["xstats"] = {{"rx_crc_errors", 12}};
  stats["ports"] = nlohmann::json::array({port});  // clang takes braces around one for a copy
  stats["backends"] = nlohmann::json::array({{{"address", "2001:2::10"},
                                              {"port", 443},
                                              {"down", true},
                                              {"handshakes", 1},
                                              {"refusals", 2},
                                              {"silences", 3}}});
  const auto text = metrics_text(stats);
  EXPECT_THAT(text, HasSubstr("synward_port_link_up{port=\"a\\\"b\\\\c\\nd\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("synward_port_speed_bytes{port=\"a\\\"b\\\\c\\nd\"} 3125000000\n"));
  EXPECT_THAT(text, HasSubstr("synward_port_xstats{name=\"rx_crc_errors\",port=\"a\\\"b\\\\c\\nd\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("synward_backend_up{backend=\"[2001:2::10]:443\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("synward_backend_refusals_total{backend=\"[2001:2::10]:443\"} 2\n"));
}

TEST(Metrics, AServiceThatIsRetiredLeavesItsNameToAnother) {
  auto stats = two_cores();
  const auto service = [](bool retired, int connections) {
    nlohmann::json row{{"name", "web"}, {"retired", retired}, {"connections", connections}};
    for (const auto& counter : kServiceCounterTable) row[std::string{counter.label}] = 1;
    return row;
  };
  stats["services"] = nlohmann::json::array({service(true, 7), service(false, 8)});
  stats["reload"] = {{"reloads", 5}, {"failed", 6}};
  const auto text = metrics_text(stats);
  EXPECT_THAT(text, HasSubstr("synward_service_connections{service=\"web\"} 8\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("synward_service_connections{service=\"web\"} 7\n")));
  EXPECT_THAT(text, HasSubstr("synward_reloads_total 5\n"));
  EXPECT_THAT(text, HasSubstr("synward_failed_reloads_total 6\n"));
}

/// What the server at port `port` of 127.0.0.1 answers.
std::string ask(std::uint16_t port, const std::string& request) {
  const Descriptor client{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return "nobody";
  const std::string all = request + "\r\n\r\n";
  ::send(client.get(), all.data(), all.size(), MSG_NOSIGNAL);
  std::string text;
  std::array<char, 4096> bytes;
  for (ssize_t count = 0; (count = ::recv(client.get(), bytes.data(), bytes.size(), 0)) > 0;)
    text.append(bytes.data(), static_cast<std::size_t>(count));
  return text;
}

std::uint16_t a_free_port() {
  const Descriptor socket{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof at;
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &bytes), 0);
  return ntohs(at.sin_port);
}

nlohmann::json sick() { return {{"healthy", false}, {"reasons", {"port outside: link down"}}}; }

TEST(MetricsServer, ServesThemAndTellsWhoTookItsPlace) {
  const std::uint16_t port = a_free_port();
  const auto at = config::parse_socket_address("127.0.0.1:" + std::to_string(port));
  ASSERT_TRUE(at);
  {
    const MetricsServer server{*at, two_cores, sick};
    EXPECT_THAT(ask(port, "GET /metrics HTTP/1.1"), HasSubstr("\r\n\r\n# HELP synward_build_info "));
    EXPECT_THAT(ask(port, "GET /metrics HTTP/1.1"), HasSubstr("Content-Type: text/plain; version=0.0.4\r\n"));
    EXPECT_THAT(ask(port, "GET /stats HTTP/1.1"), HasSubstr("\"uptime_s\":12.5"));
    EXPECT_THAT(ask(port, "GET /health HTTP/1.1"), HasSubstr("HTTP/1.1 503 "));
    EXPECT_THAT(ask(port, "GET /health HTTP/1.1"), HasSubstr("\"port outside: link down\""));
    EXPECT_THAT(ask(port, "GET / HTTP/1.1"), HasSubstr("\r\n\r\n<!DOCTYPE html>\n"));
    EXPECT_THAT(ask(port, "POST /stats HTTP/1.1"), HasSubstr("405"));
    EXPECT_THAT(ask(port, "POST /ports/0/reset HTTP/1.1"), HasSubstr("404"));
    try {
      const MetricsServer second{*at, two_cores, sick};
      FAIL() << "two at one place";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), "[control] metrics: nobody can listen at 127.0.0.1:" + std::to_string(port) +
                                  " (Address already in use)");
    }
  }
  EXPECT_EQ(ask(port, "GET /metrics HTTP/1.1"), "nobody");
}

TEST(Page, KnowsWhatEachLabelMeans) {
  const auto page = page_response();
  const std::string begin = "id=\"meanings\">";
  const auto first = page.find(begin) + begin.size();
  const auto meanings = nlohmann::json::parse(page.substr(first, page.find("</script>", first) - first));
  for (const auto& row : kDropTable) EXPECT_EQ(meanings.at("drops").at(std::string{row.label}), row.help);
  for (const auto& row : kEventTable) EXPECT_EQ(meanings.at("events").at(std::string{row.label}), row.help);
  for (const auto& row : kGaugeTable) EXPECT_EQ(meanings.at("gauges").at(std::string{row.label}), row.help);
  for (const auto& [label, help] : port_losses())
    EXPECT_EQ(meanings.at("losses").at(std::string{label}), help);
}

TEST(MetricsServer, ReadsTheNumbersOnceForAllWhoAskWithinAQuarterOfASecond) {
  const std::uint16_t port = a_free_port();
  std::atomic<std::uint64_t> reads{0};
  const auto stats = [&reads] {
    auto numbers = two_cores();
    numbers["uptime_s"] = ++reads;
    return numbers;
  };
  const MetricsServer server{*config::parse_socket_address("127.0.0.1:" + std::to_string(port)), stats, sick};
  EXPECT_THAT(ask(port, "GET /metrics HTTP/1.1"), HasSubstr("\nsynward_uptime_seconds 1\n"));
  EXPECT_THAT(ask(port, "GET /stats HTTP/1.1"), HasSubstr("\"uptime_s\":2"));
  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t asked = 0;
  for (; asked < 200; ++asked) ask(port, asked % 2 == 0 ? "GET /metrics?n HTTP/1.1" : "GET /stats HTTP/1.1");
  const auto quarters =
      static_cast<std::uint64_t>((std::chrono::steady_clock::now() - begun) / kStatsFreshFor);
  EXPECT_LE(reads, 2 + 2 * (quarters + 1)) << "of " << asked;
  std::this_thread::sleep_for(kStatsFreshFor);
  const std::uint64_t before = reads;
  EXPECT_THAT(ask(port, "GET /stats HTTP/1.1"), HasSubstr("\"uptime_s\":" + std::to_string(before + 1)));
}

TEST(MetricsServer, KnowsWhatOnlyThisMachineReaches) {
  for (const auto& [text, only] :
       {std::pair{"127.8.9.1:1", true}, std::pair{"[::1]:1", true}, std::pair{"0.0.0.0:1", false},
        std::pair{"[::]:1", false}, std::pair{"198.18.0.1:1", false}})
    EXPECT_EQ(is_loopback(*config::parse_socket_address(text)), only) << text;
}

}  // namespace
}  // namespace synward::control
