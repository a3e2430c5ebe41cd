// Mirrors control/top_screen.hpp: whole screens, as a person sees them.
#include <regex>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/stats_report.hpp"
#include "control/top_screen.hpp"

namespace synward::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// What synward counts in a second.
struct Traffic {
  std::uint64_t syns = 0, valid = 0, invalid = 0;
};

/// A synward in numbers, and who watches it.
class Watched {
 public:
  explicit Watched(std::size_t cores = 1) : cores_(cores) {}

  void second(const Traffic& traffic = {}) {
    uptime_s_ += 1;
    now_s_ += 1;
    CounterReading& core = cores_[0];
    core.route[std::size_t(Route::kCommonSyn4)] += traffic.syns;
    core.event[std::size_t(Event::kSynAnswered)] += traffic.syns;
    core.event[std::size_t(Event::kCookieValid)] += traffic.valid;
    core.event[std::size_t(Event::kPromoted)] += traffic.valid;
    core.drop[std::size_t(Drop::kBadCookie)] += traffic.invalid;
    core.route[std::size_t(Route::kDrop)] += traffic.invalid;
    core.gauge[std::size_t(Gauge::kConnections4)] += traffic.valid;
    for (std::size_t c = 0; c < cores_.size(); ++c) {
      cores_[c].busy_cycles += traffic.syns == 0 ? 0 : c % 5 * 25;
      cores_[c].idle_cycles += traffic.syns == 0 ? 100 : 100 - c % 5 * 25;
    }
    auto stats = stats_json(cores_, uptime_s_);
    for (auto& service : services) {
      service["syns"] = service["syns"].get<std::uint64_t>() + traffic.syns / services.size();
      service["cookies_valid"] =
          service["cookies_valid"].get<std::uint64_t>() + traffic.valid / services.size();
      service["cookies_bad"] =
          service["cookies_bad"].get<std::uint64_t>() + traffic.invalid / services.size();
    }
    if (!services.empty()) stats["services"] = services;
    stats.update(others);
    history.add(stats, now_s_);
  }
  void serve(const std::string& name, const std::string& address, int port) {
    services.push_back({{"name", name},
                        {"address", address},
                        {"port", port},
                        {"syns", 0},
                        {"cookies_valid", 0},
                        {"cookies_bad", 0}});
  }
  void add_backend(const std::string& address, bool down) {
    others["backends"].push_back({{"address", address},
                                  {"port", 443},
                                  {"down", down},
                                  {"handshakes", 12'345},
                                  {"refusals", 6},
                                  {"silences", 0}});
  }
  void restart() {
    uptime_s_ = 0;
    cores_ = std::vector<CounterReading>(cores_.size());
  }
  [[nodiscard]] std::string screen(std::size_t columns, std::size_t rows,
                                   Look look = {.unicode = true}) const {
    std::string text;
    for (const auto& line : top_screen(history.view(), {columns, rows, look, true})) text += line + "\n";
    return text;
  }

  std::vector<json> services;
  json others = json::object();
  TopHistory history{1};

 private:
  std::vector<CounterReading> cores_;
  double uptime_s_ = 3 * 86400 + 4 * 3600, now_s_ = 0;  // of the person's clock
};

Watched flooded() {
  Watched watched{2};
  watched.serve("web", "198.18.0.10", 443);
  watched.serve("web over IPv6", "2001:2::10", 443);
  watched.others = {{"table", {{"connections4", 1'048'576}, {"connections6", 1'048'576}}},
                    {"talkers",
                     {{"syns",
                       {{{"prefix", "198.18.7.0/24"}, {"count", 1'234'567}},
                        {{"prefix", "2001:2:0:77::/64"}, {"count", 2345}},
                        {{"prefix", "198.18.8.0/24"}, {"count", 67}}}},
                      {"bad_cookies", {{{"prefix", "203.0.113.0/24"}, {"count", 450'000}}}},
                      {"resets", json::array()}}}};
  watched.add_backend("198.18.0.10", false);
  watched.add_backend("2001:2::10", true);
  for (int i = 0; i < 12; ++i) watched.second({.syns = 40, .valid = 38});
  for (std::uint64_t i = 1; i <= 8; ++i) watched.second({.syns = 150'000 * i, .valid = 40, .invalid = 9000});
  return watched;
}

json many_sources(const std::string& begin, const std::string& end) {
  auto sources = json::array();
  for (int i = 0; i < 10; ++i)
    sources.push_back({{"prefix", begin + std::to_string(10 + i) + end}, {"count", 1'000'000 >> i}});
  return sources;
}

Watched many() {
  Watched watched{4};
  for (int i = 1; i <= 15; ++i)
    watched.serve("service " + std::to_string(i), "198.18.0." + std::to_string(i), 443);
  for (int i = 1; i <= 9; ++i) watched.add_backend("198.18.0." + std::to_string(i), i == 7);
  watched.others["talkers"] = {{"syns", many_sources("198.18.", ".0/24")},
                               {"bad_cookies", many_sources("198.18.", ".0/24")},
                               {"resets", many_sources("198.18.", ".0/24")}};
  watched.second();
  for (auto& service : watched.services) service["cookies_valid"] = 1;
  watched.services[11]["syns"] = 90'000;
  watched.second({.syns = 30});
  return watched;
}

Watched quiet() {
  Watched watched;
  for (int i = 0; i < 5; ++i) watched.second();
  return watched;
}

TEST(TopScreen, OfAFlood) {
  EXPECT_EQ(flooded().screen(80, 24),
            R"(synward 0.1.0  2 workers  up 3 d 4 h                          every 1 s  q quits
1 of 2 backend(s) down
per second         now    peak  last 48 s
SYN in           1.20M   1.20M                               ▂▂▂▂▂▂▂▂▂▂▂▂▃▄▅▆▇██
SYN-ACK out      1.20M   1.20M                               ▂▂▂▂▂▂▂▂▂▂▂▂▃▄▅▆▇██
valid cookies       40      40                               ███████████████████
bad cookies       9000    9000                               ▁▁▁▁▁▁▁▁▁▁▁████████
established         40      40                               ███████████████████
IPv4 table        0.1%    0.1%                               ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂
IPv6 table        0.0%    0.0%                               ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
dropped           9000    9000                               ▁▁▁▁▁▁▁▁▁▁▁████████
connections  IPv4 776 of 1.05M  IPv6 0 of 1.05M
cores, busy: mean 12%, most 25% (core 1)
0 ▁▁▁▁▁▁▁▁   0%   1 ▃▃▃▃▃▃▃▃  25%
services                          SYN/s valid/s   bad/s  state
web            198.18.0.10:443     600k      20    4500  flooded
web over IPv6  [2001:2::10]:443    600k      20    4500  flooded
SYNs from          /min  bad cookies from /min
198.18.7.0/24     1.23M  203.0.113.0/24   450k
2001:2:0:77::/64   2345
198.18.8.0/24        67
backends                  answered   refused    silent  state
[2001:2::10]:443             12.3k         6         0  down
198.18.0.10:443              12.3k         6         0  up
)");
}

TEST(TopScreen, OfAFloodInASmallTerminal) {
  EXPECT_EQ(flooded().screen(40, 10), R"(synward 0.1.0  2 workers  up 3 d 4 h
1 of 2 backend(s) down
per second         now  last 16 s
SYN in           1.20M  ▂▂▂▂▂▂▂▂▂▃▄▅▆▇██
SYN-ACK out      1.20M  ▂▂▂▂▂▂▂▂▂▃▄▅▆▇██
valid cookies       40  ████████████████
bad cookies       9000  ▁▁▁▁▁▁▁▁████████
established         40  ████████████████
services + 1 more         SYN/s  state
web                        600k  flooded
)");
}

TEST(TopScreen, OfAFloodInALargeTerminal) {
  EXPECT_EQ(
      flooded().screen(200, 60),
      R"(synward 0.1.0  2 workers  up 3 d 4 h                                                                                                                                                  every 1 s  q quits
1 of 2 backend(s) down

per second         now    peak  last 2 min 48 s
SYN in           1.20M   1.20M                                                                                                                                                       ▂▂▂▂▂▂▂▂▂▂▂▂▃▄▅▆▇██
SYN-ACK out      1.20M   1.20M                                                                                                                                                       ▂▂▂▂▂▂▂▂▂▂▂▂▃▄▅▆▇██
valid cookies       40      40                                                                                                                                                       ███████████████████
bad cookies       9000    9000                                                                                                                                                       ▁▁▁▁▁▁▁▁▁▁▁████████
established         40      40                                                                                                                                                       ███████████████████
IPv4 table        0.1%    0.1%                                                                                                                                                       ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂
IPv6 table        0.0%    0.0%                                                                                                                                                       ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
dropped           9000    9000                                                                                                                                                       ▁▁▁▁▁▁▁▁▁▁▁████████
connections  IPv4 776 of 1.05M  IPv6 0 of 1.05M

cores, busy: mean 12%, most 25% (core 1)
0 ▁▁▁▁▁▁▁▁   0%   1 ▃▃▃▃▃▃▃▃  25%

services                          SYN/s valid/s   bad/s  state
web            198.18.0.10:443     600k      20    4500  flooded
web over IPv6  [2001:2::10]:443    600k      20    4500  flooded

SYNs from          /min  bad cookies from /min
198.18.7.0/24     1.23M  203.0.113.0/24   450k
2001:2:0:77::/64   2345
198.18.8.0/24        67

backends                  answered   refused    silent  state
[2001:2::10]:443             12.3k         6         0  down
198.18.0.10:443              12.3k         6         0  up
)");
}

TEST(TopScreen, WithoutUnicode) {
  EXPECT_EQ(flooded().screen(80, 24, {}),
            R"(synward 0.1.0  2 workers  up 3 d 4 h                          every 1 s  q quits
1 of 2 backend(s) down
per second         now    peak  last 48 s
SYN in           1.20M   1.20M                               ............:-=+*##
SYN-ACK out      1.20M   1.20M                               ............:-=+*##
valid cookies       40      40                               ###################
bad cookies       9000    9000                               ___________########
established         40      40                               ###################
IPv4 table        0.1%    0.1%                               ...................
IPv6 table        0.0%    0.0%                               ___________________
dropped           9000    9000                               ___________########
connections  IPv4 776 of 1.05M  IPv6 0 of 1.05M
cores, busy: mean 12%, most 25% (core 1)
0 ________   0%   1 ::::::::  25%
services                          SYN/s valid/s   bad/s  state
web            198.18.0.10:443     600k      20    4500  flooded
web over IPv6  [2001:2::10]:443    600k      20    4500  flooded
SYNs from          /min  bad cookies from /min
198.18.7.0/24     1.23M  203.0.113.0/24   450k
2001:2:0:77::/64   2345
198.18.8.0/24        67
backends                  answered   refused    silent  state
[2001:2::10]:443             12.3k         6         0  down
198.18.0.10:443              12.3k         6         0  up
)");
}

TEST(TopScreen, OfNoTraffic) {
  EXPECT_EQ(quiet().screen(80, 24),
            R"(synward 0.1.0  1 worker  up 3 d 4 h                           every 1 s  q quits

per second         now    peak  last 48 s
SYN in               0       0                                              ▁▁▁▁
SYN-ACK out          0       0                                              ▁▁▁▁
valid cookies        0       0                                              ▁▁▁▁
bad cookies          0       0                                              ▁▁▁▁
established          0       0                                              ▁▁▁▁
dropped              0       0                                              ▁▁▁▁
connections  IPv4 0  IPv6 0

cores, busy
0     ▁▁▁▁   0%
)");
}

TEST(TopScreen, BeforeAnybodyAnswered) {
  Watched watched;
  watched.history.add_silence(
      "no synward answers at /run/x.sock: is it running, and is this its control socket? (--socket, "
      "$SYNWARD_SOCKET)",
      1);
  EXPECT_EQ(watched.screen(80, 24),
            R"(synward top                                                   every 1 s  q quits
No answer yet, asked again every 1 s: no synward answers at /run/x.sock: is it
running, and is this its control socket? (--socket, $SYNWARD_SOCKET)
)");
}

TEST(TopScreen, AfterSynwardIsGone) {
  Watched watched = flooded();
  watched.history.add_silence("no synward answers at /run/x.sock: is it running?", 60);
  EXPECT_EQ(watched.screen(80, 24),
            R"(synward 0.1.0  2 workers  up 3 d 4 h                          every 1 s  q quits
No answer for 40 s, asked again every 1 s: no synward answers at /run/x.sock: is
it running?
per second         now    peak  last 48 s
SYN in               -   1.20M  ▂▃▄▅▆▇██
SYN-ACK out          -   1.20M  ▂▃▄▅▆▇██
valid cookies        -      40  ████████
bad cookies          -    9000  ████████
established          -      40  ████████
IPv4 table           -    0.1%  ▂▂▂▂▂▂▂▂
IPv6 table           -    0.0%  ▁▁▁▁▁▁▁▁
connections  IPv4 776 of 1.05M  IPv6 0 of 1.05M
cores, busy
0             -   1             -
services                          SYN/s valid/s   bad/s  state
web            198.18.0.10:443        -       -       -  flooded
web over IPv6  [2001:2::10]:443       -       -       -  flooded
SYNs from          /min  bad cookies from /min
198.18.7.0/24     1.23M  203.0.113.0/24   450k
2001:2:0:77::/64   2345
198.18.8.0/24        67
backends                  answered   refused    silent  state
[2001:2::10]:443             12.3k         6         0  down
198.18.0.10:443              12.3k         6         0  up
)");
}

TEST(TopScreen, OfASynwardThatBeganAnew) {
  Watched watched;
  for (int i = 0; i < 3; ++i) watched.second({.syns = 500});
  watched.restart();
  watched.second({.syns = 700});
  EXPECT_EQ(watched.screen(80, 6),
            R"(synward 0.1.0  1 worker  up 1 s                               every 1 s  q quits
per second         now    peak  last 48 s
SYN in             700     700                                               ▆▆█
SYN-ACK out        700     700                                               ▆▆█
valid cookies        0       0                                               ▁▁▁
bad cookies          0       0                                               ▁▁▁
)");
}

TEST(TopScreen, OfManyCores) {
  Watched watched{64};
  for (int i = 0; i < 3; ++i) watched.second({.syns = 1000});
  EXPECT_EQ(watched.screen(80, 24),
            R"(synward 0.1.0  64 workers  up 3 d 4 h                         every 1 s  q quits

per second         now    peak  last 48 s
SYN in            1000    1000                                                ██
SYN-ACK out       1000    1000                                                ██
valid cookies        0       0                                                ▁▁
bad cookies          0       0                                                ▁▁
established          0       0                                                ▁▁
dropped              0       0                                                ▁▁
connections  IPv4 0  IPv6 0

cores, busy: mean 49%, most 100% (core 4)
▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇
)");
}

TEST(TopScreen, OfAsManyCoresAsCanBe) {
  Watched watched{127};
  for (int i = 0; i < 3; ++i) watched.second({.syns = 1000});
  EXPECT_EQ(watched.screen(40, 12), R"(synward 0.1.0  127 workers  up 3 d 4 h
per second         now  last 16 s
SYN in            1000                ██
SYN-ACK out       1000                ██
valid cookies        0                ▁▁
bad cookies          0                ▁▁
established          0                ▁▁
dropped              0                ▁▁
connections  IPv4 0  IPv6 0
cores, busy: mean 49% + 47 more
▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█
▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█▁▃▅▇█
)");
}

TEST(TopScreen, OfManyServicesAndBackends) {
  Watched watched = many();
  EXPECT_EQ(watched.screen(80, 24),
            R"(synward 0.1.0  4 workers  up 3 d 4 h                          every 1 s  q quits
1 of 9 backend(s) down
per second         now    peak  last 48 s
SYN in              30      30                                                 █
SYN-ACK out         30      30                                                 █
valid cookies        0       0                                                 ▁
bad cookies          0       0                                                 ▁
established          0       0                                                 ▁
dropped              0       0                                                 ▁
connections  IPv4 0  IPv6 0
cores, busy: mean 38%, most 75% (core 3)
0        ▁   0%   1        ▃  25%   2        ▅  50%   3        ▇  75%
services + 12 more            SYN/s valid/s   bad/s  state
service 12  198.18.0.12:443   90.0k       1       0  flooded
service 1   198.18.0.1:443        2       1       0  busy
service 2   198.18.0.2:443        2       1       0  busy
SYNs from + 7 more /min  bad cookies from + 7 more /min  RSTs from + 7 more /min
198.18.10.0/24    1.00M  198.18.10.0/24           1.00M  198.18.10.0/24    1.00M
198.18.11.0/24     500k  198.18.11.0/24            500k  198.18.11.0/24     500k
198.18.12.0/24     250k  198.18.12.0/24            250k  198.18.12.0/24     250k
backends + 6 more         answered   refused    silent  state
198.18.0.7:443               12.3k         6         0  down
198.18.0.1:443               12.3k         6         0  up
198.18.0.2:443               12.3k         6         0  up
)");
}

TEST(TopScreen, OfLongNames) {
  Watched watched;
  watched.serve("a name that is much longer than any screen has columns for it, really",
                "2001:db8:1234:5678:9abc:def0:1234:5678", 443);
  watched.serve("\033[31mred", "2001:2:0:1::/64", 80);
  watched.serve("東京 Zürich", "198.18.0.10", 65535);
  watched.add_backend("2001:db8:1234:5678:9abc:def0:1234:5678", false);
  watched.others["talkers"] = {{"syns", many_sources("2001:db8:1234:", "::/64")},
                               {"bad_cookies", many_sources("2001:db8:ffff:", "::/64")},
                               {"resets", many_sources("198.18.", ".0/24")}};
  for (int i = 0; i < 3; ++i) watched.second({.syns = 30});
  EXPECT_EQ(watched.screen(80, 24),
            R"(synward 0.1.0  1 worker  up 3 d 4 h                           every 1 s  q quits
per second         now    peak  last 48 s
SYN in              30      30                                                ██
SYN-ACK out         30      30                                                ██
valid cookies        0       0                                                ▁▁
bad cookies          0       0                                                ▁▁
established          0       0                                                ▁▁
dropped              0       0                                                ▁▁
connections  IPv4 0  IPv6 0
cores, busy
0       ▁▁   0%
services                                          SYN/s valid/s   bad/s  state
a name that is…  [2001:db8:1234…:1234:5678]:443      10       0       0  busy
?[31mred         [2001:2:0:1::/64]:80                10       0       0  busy
東京 Zürich      198.18.0.10:65535                   10       0       0  busy
SYNs from + 7 more     /min  bad cookies from + 7 more /min
2001:db8:1234:10::/64 1.00M  2001:db8:ffff:10::/64    1.00M
2001:db8:1234:11::/64  500k  2001:db8:ffff:11::/64     500k
2001:db8:1234:12::/64  250k  2001:db8:ffff:12::/64     250k
RSTs from + 8 more /min
198.18.10.0/24    1.00M
198.18.11.0/24     500k
backends                                   answered   refused    silent  state
[2001:db8:1234:5678:…:def0:1234:5678]:443     12.3k         6         0  up
)");
  EXPECT_EQ(watched.screen(40, 24), R"(synward 0.1.0  1 worker  up 3 d 4 h
per second         now  last 16 s
SYN in              30                ██
SYN-ACK out         30                ██
valid cookies        0                ▁▁
bad cookies          0                ▁▁
established          0                ▁▁
dropped              0                ▁▁
connections  IPv4 0  IPv6 0
cores, busy
0       ▁▁   0%
services + 1 more         SYN/s  state
a name that is much lo…      10  busy
?[31mred                     10  busy
SYNs from + 8 more     /min
2001:db8:1234:10::/64 1.00M
2001:db8:1234:11::/64  500k
bad cookies from + 8 more /min
2001:db8:ffff:10::/64    1.00M
2001:db8:ffff:11::/64     500k
RSTs from + 9 more /min
198.18.10.0/24    1.00M
backends                         state
[2001:db8:1234:…:1234:5678]:443  up
)");
}

/// What is drawn never reaches beyond the terminal, however small or large, and with colours it is the same.
TEST(TopScreen, FitsWhateverTheSize) {
  const Watched examples[] = {flooded(), quiet(), many()};
  const std::regex colour{"\033\\[[0-9;]*m"};
  for (const Watched& watched : examples) {
    for (std::size_t columns = 0; columns < 130; columns += columns < 50 ? 1 : 7) {
      for (std::size_t rows = 0; rows < 70; rows += rows < 12 ? 1 : 9) {
        const auto lines = top_screen(watched.history.view(), {columns, rows, {.unicode = true}, true});
        ASSERT_LE(lines.size(), rows) << columns << "x" << rows;
        for (const auto& line : lines)
          ASSERT_LE(columns_of(line), columns) << columns << "x" << rows << ": " << line;
        const auto coloured = watched.screen(columns, rows, {.unicode = true, .colours = true});
        ASSERT_EQ(std::regex_replace(coloured, colour, ""), watched.screen(columns, rows));
      }
    }
  }
}

TEST(TopScreen, HasColoursWhereItMatters) {
  const auto screen = flooded().screen(80, 24, {.colours = true});
  EXPECT_THAT(screen, HasSubstr("\033[1;31mflooded\033[m"));
  EXPECT_THAT(screen, HasSubstr("\033[1;31mdown\033[m"));
  EXPECT_THAT(flooded().screen(80, 24), Not(HasSubstr("\033")));
}

TEST(TopScreen, TellsOfQuittingWhereThereAreKeys) {
  const Watched watched = quiet();
  EXPECT_THAT(top_screen(watched.history.view(), {.has_keys = true}).front(), HasSubstr("q quits"));
  EXPECT_THAT(top_screen(watched.history.view(), {}).front(), Not(HasSubstr("q quits")));
}

}  // namespace
}  // namespace synward::control
