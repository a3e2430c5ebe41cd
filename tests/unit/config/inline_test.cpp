// Mirrors config/load.hpp and config/print.hpp for two ports, a wire's ends; load_test.cpp has the rest.
#include <string>

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "config/print.hpp"

namespace synward::config {
namespace {

const std::string kWorkers = "[workers]\nlcores = \"1\"\n";
const std::string kOutside = "[[port]]\nname = \"outside\"\ndevice = \"net_null0\"\n";
const std::string kInside = "[[port]]\nname = \"inside\"\ndevice = \"net_null1\"\n";
const std::string kService = "[[service]]\nname = \"web\"\naddress = \"198.18.0.10\"\nport = 443\n";

void expect_to_read_back(const Config& config) {
  const auto again = parse(to_toml(config), "printed");
  EXPECT_TRUE(again.errors.empty()) << again.errors.front();
  EXPECT_TRUE(again.config == config) << to_toml(config);
}

TEST(TwoPorts, SampleOfThemSaysWhatItIs) {
  const auto sample = load(SAMPLES "/inline.toml");
  ASSERT_TRUE(sample.errors.empty()) << sample.errors.front();
  EXPECT_TRUE(is_inline(sample.config));
  EXPECT_EQ(sample.config.ports.at(0).device, "0000:3b:00.0");
  EXPECT_EQ(sample.config.ports.at(1).device, "0000:3b:00.1");
  EXPECT_EQ(sample.config.services.size(), 2u);
}

TEST(TwoPorts, PutTheOutsidePortFirstWhereverItStandsInTheFile) {
  const std::string texts[] = {kOutside + kInside + kWorkers + kService,
                               kService + kInside + kWorkers + kOutside,
                               kService + "then = \"proxy\"\n" + kInside + kOutside + kWorkers};
  for (const auto& text : texts) {
    const auto [config, errors] = parse(text, "t");
    ASSERT_TRUE(errors.empty()) << errors.front();
    ASSERT_EQ(config.ports.size(), 2u);
    EXPECT_EQ(config.ports[0].name, "outside");
    EXPECT_EQ(config.ports[0].device, "net_null0");
    EXPECT_EQ(config.ports[1].name, "inside");
    EXPECT_EQ(config.ports[1].device, "net_null1");
  }
}

TEST(TwoPorts, ReadWhatHasDefaultsAndPrintNothingOfAccept) {
  const auto [config, errors] =
      parse(kWorkers + kInside + "mtu = 9000\n" + kOutside + "mtu = 9000\n" + kService +
                "then = \"proxy\"\nidle_timeout = 1\n[table]\nconnections_per_core = 2048\n[accept]\n"
                "[inline]\npropagate_link = true\n",
            "t");
  ASSERT_TRUE(errors.empty()) << errors.front();
  EXPECT_TRUE(config.propagate_link);
  EXPECT_NE(to_toml(config).find("propagate_link = true"), std::string::npos) << to_toml(config);
  EXPECT_EQ(config.ports[0].mtu, 9000u);
  EXPECT_EQ(config.ports[1].mtu, 9000u);
  EXPECT_EQ(config.services[0].idle_timeout_s, 1u);
  EXPECT_EQ(config.connections_per_core, 2048u);
  expect_to_read_back(config);
  EXPECT_NE(to_toml(config).find("then = \"proxy\""), std::string::npos) << to_toml(config);
  EXPECT_EQ(to_toml(config).find("accept"), std::string::npos) << to_toml(config);
}

TEST(TwoPorts, NeedNoMtuBoth) {
  const auto [config, errors] = parse(kWorkers + kOutside + kInside + "mtu = 1400\n" + kService, "t");
  ASSERT_TRUE(errors.empty()) << errors.front();
  EXPECT_EQ(config.ports[0].mtu, 0u);
  EXPECT_EQ(config.ports[1].mtu, 1400u);
  EXPECT_FALSE(config.propagate_link);
  expect_to_read_back(config);
}

struct WrongCase {
  std::string name, text, error;  // the only error, without the file's name
};

class WrongTwoPorts : public testing::TestWithParam<WrongCase> {};

TEST_P(WrongTwoPorts, AreToldWhereWhatAndWhatIsAllowedAndNothingElse) {
  const auto errors = parse(GetParam().text, "f.toml").errors;
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front(), "f.toml:" + GetParam().error);
}

/// One of the service of two ports.
WrongCase wrong_inline(const std::string& name, const std::string& key, const std::string& value,
                       const std::string& allowed) {
  return {name, kWorkers + kOutside + kInside + kService + key + " = " + value + "\n",
          "13:" + std::to_string(key.size() + 4) + ": service[0]." + key + " = " + value + ": allowed is " +
              allowed};
}
const std::string kOfAccept = "nothing with two ports: it belongs to \"accept\", which wants one";
WrongCase wrong_pair(const std::string& name, const std::string& one, const std::string& device,
                     const std::string& other, const std::string& other_device, const std::string& error) {
  return {name,
          kWorkers + "[[port]]\nname = \"" + one + "\"\ndevice = \"" + device + "\"\n[[port]]\nname = \"" +
              other + "\"\ndevice = \"" + other_device + "\"\n" + kService,
          error};
}
const std::string kNamesAllowed =
    ": allowed is \"outside\" for the one and \"inside\" for the other of two ports";
const std::string kDeviceOfItsOwn =
    ": allowed is a device of its own, with another name before the comma and another iface=";

INSTANTIATE_TEST_SUITE_P(
    Config, WrongTwoPorts,
    testing::Values(
        WrongCase{
            "ThenIsAcceptAheadOfTwoPorts", kWorkers + kService + "then = \"accept\"\n" + kOutside + kInside,
            "7:8: service[0].then = \"accept\": allowed is \"proxy\" with two ports: \"accept\" wants one"},
        wrong_inline("AcceptWithTwoPorts", "then", "\"accept\"",
                     "\"proxy\" with two ports: \"accept\" wants one"),
        wrong_inline("ThenWithTwoPorts", "then", "\"reset\"", "\"accept\" with one port, \"proxy\" with two"),
        wrong_inline("CloseAfterWithTwoPorts", "close_after", "5", kOfAccept),
        wrong_inline("IdleTimeoutWithTwoPorts", "idle_timeout", "0", "seconds, 1 to 604800 (a week)"),
        WrongCase{"BacklogWithTwoPorts", kWorkers + kOutside + kInside + kService + "[accept]\nbacklog = 1\n",
                  "14:11: accept.backlog = 1: allowed is " + kOfAccept},
        wrong_pair("SecondOfTwoPortsHasAnotherName", "outside", "net_null0", "b", "net_null1",
                   "7:8: port[1].name = \"b\"" + kNamesAllowed),
        wrong_pair("FirstOfTwoPortsHasAnotherName", "in", "net_null0", "outside", "net_null1",
                   "4:8: port[0].name = \"in\"" + kNamesAllowed),
        wrong_pair("TwoPortsOutside", "outside", "net_null0", "outside", "net_null1",
                   "7:8: port[1].name = \"outside\"" + kNamesAllowed),
        wrong_pair("TwoPortsInside", "inside", "net_null0", "inside", "net_null1",
                   "7:8: port[1].name = \"inside\"" + kNamesAllowed),
        wrong_pair("SecondOfTwoPortsIsTheOutsideOneWithoutAName", "inside", "net_null0", "", "net_null1",
                   "7:8: port[1].name = \"\": allowed is a name"),
        wrong_pair("SamePciDevice", "inside", "0000:3b:00.0,rxq=1", "outside", "3B:00.0",
                   "8:10: port[1].device = \"3B:00.0\"" + kDeviceOfItsOwn),
        wrong_pair("SameVirtualDevice", "outside", "net_af_packet0,iface=a", "inside",
                   "net_af_packet0,iface=b",
                   "8:10: port[1].device = \"net_af_packet0,iface=b\"" + kDeviceOfItsOwn),
        wrong_pair("SameKernelInterface", "outside", "net_af_packet0,iface=a", "inside",
                   "net_af_packet1,qpairs=1,iface=a,framecnt=2048",
                   "8:10: port[1].device = \"net_af_packet1,qpairs=1,iface=a,framecnt=2048\"" +
                       kDeviceOfItsOwn),
        WrongCase{"MtuOfTwoPortsDiffers",
                  kWorkers + kOutside + "mtu = 1500\n" + kInside + "mtu = 9000\n" + kService,
                  "10:7: port[1].mtu = 9000: allowed is what the other of two ports has, 1500"}),
    [](const auto& test) { return test.param.name; });

TEST(ThreePorts, AreToldHowManyThereMayBeAndNothingElse) {
  const std::string ports_and_service = kWorkers + kOutside + kInside + kInside + kService;
  for (const char* then : {"", "then = \"accept\"\nclose_after = 5\n[accept]\nbacklog = 1\n",
                           "then = \"proxy\"\n[inline]\npropagate_link = true\n"}) {
    const auto errors = parse(ports_and_service + then, "f.toml").errors;
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(
        errors.front(),
        "f.toml:3:1: port = [ { device = 'net_null0', name = 'outside' }, { device = 'net_null1', name = "
        "'inside' }, { device = 'net_null1', name = 'inside' } ]: allowed is tables, written [[port]], at "
        "least 1 and at most 2");
  }
}

TEST(TwoPorts, AreToldOfEveryMistakeAtOnce) {
  const auto errors =
      parse(kWorkers + "[[port]]\nname = \"a\"\ndevice = \"net_null0\"\n[[port]]\nname = \"b\"\n" + kService +
                "then = \"accept\"\nclose_after = 5\n",
            "f")
          .errors;
  ASSERT_EQ(errors.size(), 5u);
  EXPECT_EQ(errors[0].substr(0, 19), "f:4:8: port[0].name");
  EXPECT_EQ(errors[1].substr(0, 32), "f:6:1: port[1].device is missing");
  EXPECT_EQ(errors[2].substr(0, 19), "f:7:8: port[1].name");
  EXPECT_EQ(errors[3].substr(0, 24), "f:12:8: service[0].then ");
  EXPECT_EQ(errors[4].substr(0, 33), "f:13:15: service[0].close_after =");
}

}  // namespace
}  // namespace synward::config
