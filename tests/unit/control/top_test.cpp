// Mirrors control/top_screen.hpp: whole screens, as a person sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/watched_synward.hpp"

namespace synward::control {
namespace {

using testing::HasSubstr;
using testing::Not;

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
