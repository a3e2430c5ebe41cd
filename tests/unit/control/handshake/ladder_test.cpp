#include "control/handshake/ladder.hpp"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "control/handshake/annotated_bytes.hpp"

namespace synward::control {
namespace {

/// Numbers that a reader can follow.
Scenario plain_scenario() {
  Scenario scenario;
  scenario.client = scenario.server = {.window_scale = 7, .timestamps = false};
  scenario.client_isn = 100;
  scenario.server_isn = 300;
  return scenario;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Ladder, DrawsTheHandshakeAsAPersonWould) {
  constexpr std::string_view kDrawing = R"(
                   client   198.18.0.1:40000      198.18.0.10:443   server
                   CLOSED |                                       | LISTEN
    0.000 ms     SYN-SENT | SYN seq=100 win=65535 mss=1460 sackOK | LISTEN
                          | wscale=7                              |
   10.000 ms     SYN-SENT |-------------------------------------->| SYN-RECEIVED
                          |                                       |
   10.000 ms     SYN-SENT | SYN,ACK seq=300 ack=101 (+1)          | SYN-RECEIVED
                          | win=65535 mss=1460 sackOK wscale=7    |
   20.000 ms  ESTABLISHED |<--------------------------------------| SYN-RECEIVED
                          |                                       |
   20.000 ms  ESTABLISHED | ACK seq=101 (+1) ack=301 (+1)         | SYN-RECEIVED
                          | win=512 (<<7 = 65536)                 |
   30.000 ms  ESTABLISHED |-------------------------------------->| ESTABLISHED
                          |                                       |

After 30.000 ms the client is ESTABLISHED, the server ESTABLISHED.
Agreed: MSS 1460 to the server, 1460 to the client; window scale 7 of the client, 7 of the server; SACK on; timestamps off.
)";
  EXPECT_EQ(draw_ladder(simulate(plain_scenario()), {}), kDrawing.substr(1));
}

TEST(Ladder, MarksWhatIsLostAndWhatIsSentAgain) {
  Scenario scenario = plain_scenario();
  scenario.losses = {{SegmentKind::kSynAck, 1}};
  const std::string text = draw_ladder(simulate(scenario), {});
  EXPECT_NE(text.find("lost X----"), std::string::npos);
  EXPECT_NE(text.find("SYN again seq=100"), std::string::npos);
  EXPECT_NE(text.find("server: the SYN again: so is its"), std::string::npos);
  scenario.losses = {{SegmentKind::kSyn, 1}};
  EXPECT_NE(draw_ladder(simulate(scenario), {}).find("----X lost"), std::string::npos);
}

TEST(Ladder, FitsTheTerminal) {
  Scenario scenario = plain_scenario();
  scenario.client.timestamps = scenario.server.timestamps = true;
  scenario.client_isn = scenario.server_isn = 0xffff'fff0;
  scenario.losses = {{SegmentKind::kAck, 1}};
  const Story story = simulate(scenario);
  for (const int columns : {72, 80, 100, 120}) {
    for (const auto& line : lines_of(draw_ladder(story, {.columns = columns}))) {
      if (line.starts_with("Agreed")) continue;  // prose, which terminals wrap
      EXPECT_LE(line.size(), std::size_t(columns)) << line;
    }
  }
  EXPECT_EQ(draw_ladder(story, {.columns = 20}), draw_ladder(story, {.columns = 72}));
  EXPECT_EQ(draw_ladder(story, {.columns = 400}), draw_ladder(story, {.columns = 120}));
}

TEST(Ladder, HasColorOnlyWhenAsked) {
  const Story story = simulate(plain_scenario());
  EXPECT_EQ(draw_ladder(story, {}).find('\x1b'), std::string::npos);
  EXPECT_NE(draw_ladder(story, {.color = true}).find("\x1b[34m---"), std::string::npos);
}

TEST(AnnotatedBytes, ShowEveryByteOnceInOrder) {
  for (const auto family : {wire::Family::kIpv4, wire::Family::kIpv6}) {
    Scenario scenario = plain_scenario();
    scenario.client.family = scenario.server.family = family;
    scenario.client.timestamps = scenario.server.timestamps = true;
    scenario.text_bytes = 40;
    for (const Flight& flight : simulate(scenario).flights) {
      std::vector<std::byte> shown;
      for (const auto& line : lines_of(annotated_bytes(flight.frame))) {
        EXPECT_EQ(std::stoul(line.substr(2, 4)), shown.size()) << line;
        std::istringstream digits{line.substr(8, 48)};
        for (std::string byte; digits >> byte;) shown.push_back(std::byte(std::stoi(byte, nullptr, 16)));
      }
      EXPECT_EQ(shown, flight.frame);
    }
  }
}

TEST(AnnotatedBytes, NameTheFields) {
  const std::string text = annotated_bytes(simulate(plain_scenario()).flights.at(1).frame);
  for (const auto* words :
       {"protocol TCP", "sequence number 300", "acknowledgment number 101", "control bits SYN ACK",
        "option: maximum segment size 1460", "option: window scale 7"})
    EXPECT_NE(text.find(words), std::string::npos) << words << " in\n" << text;
}

}  // namespace
}  // namespace synward::control
