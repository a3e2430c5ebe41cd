// Mirrors control/top_screen.hpp: screens that have not room for everything.
#include <regex>

#include <gtest/gtest.h>

#include "tests/unit/control/watched_synward.hpp"

namespace synward::control {
namespace {

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

}  // namespace
}  // namespace synward::control
