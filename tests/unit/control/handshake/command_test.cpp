#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "control/handshake/pcap_file.hpp"
#include "control/handshake_command.hpp"

namespace synward::control {
namespace {

/// What the words behind `synward handshake` come to; nullopt when they are refused.
std::optional<HandshakeOptions> parsed(std::vector<std::string> words) {
  CLI::App app;
  HandshakeOptions options;
  add_handshake_command(app, options);
  words.insert(words.begin(), "handshake");
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::ParseError&) {
    return std::nullopt;
  }
  return options;
}

TEST(HandshakeCommand, ReadsItsOptions) {
  const auto options = parsed({"--mss", "1300", "--wscale", "3", "--no-timestamps", "--ipv6", "--isn-client",
                               "4294967295", "--drop", "SYNACK:2", "--drop", "ACK", "--data", "10"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->mss, 1300);
  EXPECT_EQ(options->scenario.client.window_scale, 3);
  EXPECT_TRUE(options->no_timestamps);
  EXPECT_FALSE(options->no_sack);
  EXPECT_TRUE(options->ipv6);
  EXPECT_EQ(options->scenario.client_isn, 4294967295u);
  EXPECT_EQ(options->scenario.server_isn, std::nullopt);
  EXPECT_EQ(options->drop, (std::vector<std::string>{"SYNACK:2", "ACK"}));
  EXPECT_EQ(options->scenario.text_bytes, 10u);
}

TEST(HandshakeCommand, RefusesWhatCannotBe) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--mss", "0"},
           {"--mss", "65536"},
           {"--wscale", "15"},
           {"--wscale", "-1"},
           {"--wscale", "3", "--no-wscale"},
           {"--drop", "FIN"},
           {"--drop", "SYN:"},
           {"--drop", "SYN:0"},
           {"--drop", "SYN:-1"},
           {"--drop", "SYN:1x"},
           {"--drop", "SYN:1001"},
           {"--isn-client", "4294967296"},
           {"--data", "1000001"},
           {"--no-such-option"},
       }) {
    EXPECT_FALSE(parsed(words)) << words.front() << ' ' << words.back();
  }
}

TEST(PcapFile, ThatCannotBeWrittenIsNamed) {
  try {
    PcapFile file{"/nonexistent/handshake.pcap"};
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find("/nonexistent/handshake.pcap: No such file"), std::string::npos)
        << error.what();
  }
}

TEST(PcapFile, FullDiskIsNoticed) {
  PcapFile file{"/dev/full"};
  EXPECT_THROW(file.close(), std::system_error);
}

}  // namespace
}  // namespace synward::control
