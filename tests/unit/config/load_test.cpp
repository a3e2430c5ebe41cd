// Mirrors config/load.hpp and config/print.hpp: what a wrong config is told, word for word, and what a right
// one becomes.
#include "config/load.hpp"

#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "config/print.hpp"
#include "tests/support/addresses.hpp"

namespace synward::config {
namespace {

using namespace std::string_literals;

const std::string kWorkers = "[workers]\nlcores = \"1\"\n";
const std::string kPort = "[[port]]\nname = \"out\"\ndevice = \"net_null0\"\n";
const std::string kService = "[[service]]\nname = \"web\"\naddress = \"198.18.0.10\"\nport = 443\n";

void expect_to_read_back(const Config& config) {
  const auto again = parse(to_toml(config), "printed");
  EXPECT_TRUE(again.errors.empty()) << again.errors.front();
  EXPECT_TRUE(again.config == config) << to_toml(config);
}

TEST(Config, SampleOfAnEndpointSaysWhatItIs) {
  const auto sample = load(SAMPLES "/endpoint.toml");
  ASSERT_TRUE(sample.errors.empty()) << sample.errors.front();
  EXPECT_EQ(sample.config.lcores, std::vector<std::uint16_t>{1});
  EXPECT_FALSE(is_inline(sample.config));
  EXPECT_EQ(sample.config.ports.at(0).device, "net_af_packet0,iface=eth0,framecnt=2048");
  ASSERT_EQ(sample.config.services.size(), 2u);
  EXPECT_EQ(std::get<wire::Ipv6Address>(sample.config.services[1].address), test::ip6("2001:2::10"));
  EXPECT_EQ(sample.config.services[1].prefix_bits, 128);
}

TEST(Config, HasDefaults) {
  const auto [config, errors] = parse(kWorkers + kPort + kService, "t");
  ASSERT_TRUE(errors.empty());
  EXPECT_EQ(config.poll, Poll::kAdaptive);
  EXPECT_EQ(config.control_socket, "/run/synward/control.sock");
  EXPECT_EQ(config.services[0].idle_timeout_s, 7440u);
  EXPECT_EQ(config.services[0].close_after_s, 0u);
  EXPECT_EQ(config.connections_per_core, 1u << 20);
  EXPECT_EQ(config.accept_backlog, 4096u);
}

TEST(Config, ReadsWhatHasDefaults) {
  const auto [config, errors] =
      parse(kWorkers + kPort + "mtu = 9000\ntake_default_route = \"eth0\"\n" + kService +
                "then = \"accept\"\nidle_timeout = 604800\nclose_after = 1\n"
                "[table]\nconnections_per_core = 67108864\n"
                "[accept]\nbacklog = 1\n",
            "t");
  ASSERT_TRUE(errors.empty()) << errors.front();
  EXPECT_EQ(config.ports.at(0).mtu, 9000u);
  EXPECT_EQ(config.ports.at(0).take_default_route, "eth0");
  EXPECT_EQ(config.services[0].idle_timeout_s, 604'800u);
  EXPECT_EQ(config.services[0].close_after_s, 1u);
  EXPECT_EQ(config.connections_per_core, 67'108'864u);
  EXPECT_EQ(config.accept_backlog, 1u);
  expect_to_read_back(config);
}

TEST(Config, ReadsWhereMetricsAreServed) {
  for (const std::string at : {"127.0.0.1:9464", "[::1]:65535", "0.0.0.0:1"}) {
    const auto [config, errors] =
        parse(kWorkers + kPort + kService + "[control]\nmetrics = \"" + at + "\"\n", "t");
    ASSERT_TRUE(errors.empty()) << errors.front();
    ASSERT_TRUE(config.metrics);
    EXPECT_EQ(to_text(*config.metrics), at);
    EXPECT_NE(to_toml(config).find("metrics = \"" + at + "\""), std::string::npos) << to_toml(config);
    expect_to_read_back(config);
  }
  EXPECT_FALSE(parse(kWorkers + kPort + kService, "t").config.metrics);
}

TEST(Config, ReadsListsOfLcores) {
  const auto lcores = [](const std::string& list) {
    return parse("[workers]\nlcores = \"" + list + "\"\n" + kPort + kService, "t").config.lcores;
  };
  EXPECT_EQ(lcores("3"), (std::vector<std::uint16_t>{3}));
  EXPECT_EQ(lcores("1-3,6"), (std::vector<std::uint16_t>{1, 2, 3, 6}));
  EXPECT_EQ(lcores("126,0"), (std::vector<std::uint16_t>{0, 126}));
  EXPECT_EQ(lcores("auto"), std::vector<std::uint16_t>{});
  const auto silent = parse(kPort + kService, "t");
  EXPECT_TRUE(silent.errors.empty());
  EXPECT_TRUE(silent.config.lcores.empty());
  EXPECT_NE(to_toml(silent.config).find("lcores = \"auto\""), std::string::npos) << to_toml(silent.config);
}

TEST(Config, CallsANicAsDpdkAndTheKernelDo) {
  const auto device = [](const std::string& text) {
    return parse(kWorkers + "[[port]]\nname = \"out\"\ndevice = \"" + text + "\"\n" + kService, "t")
        .config.ports.at(0)
        .device;
  };
  EXPECT_EQ(device("0001:3b:00.7"), "0001:3b:00.7");
  EXPECT_EQ(device("3B:00.0"), "0000:3b:00.0");
  EXPECT_EQ(device("3b:00.0,rxq_Mode=1"), "0000:3b:00.0,rxq_Mode=1");
  EXPECT_EQ(device("52:54:00:AB:cd:0f"), "52:54:00:ab:cd:0f");
  EXPECT_EQ(device("52:54:00:ab:cd:0f,rxq_Mode=1"), "52:54:00:ab:cd:0f,rxq_Mode=1");
  EXPECT_EQ(device("enp59s0f0np0"), "enp59s0f0np0");
  EXPECT_EQ(device("Eth0.5,rxq_Mode=1"), "Eth0.5,rxq_Mode=1");
}

struct WrongCase {
  std::string name, text, error;  // the first error, without the file's name
};

class Wrong : public testing::TestWithParam<WrongCase> {};

TEST_P(Wrong, IsToldWhereWhatAndWhatIsAllowed) {
  const auto errors = parse(GetParam().text, "f.toml").errors;
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors.front(), "f.toml:" + GetParam().error);
}

const std::string kLcoresAllowed =
    "\"auto\", or a list of lcores, like \"1\" or \"1-3,6\", each from 0 to 126 and named once";
const std::string kAddressAllowed =
    "a unicast IPv4 or IPv6 address (no IPv4-mapped one), or a prefix like \"198.18.0.0/24\" whose host bits "
    "are zero";

WrongCase wrong_lcores(const std::string& name, const std::string& list) {
  return {name, "[workers]\nlcores = \"" + list + "\"\n" + kPort + kService,
          "2:10: workers.lcores = \"" + list + "\": allowed is " + kLcoresAllowed};
}
WrongCase wrong_address(const std::string& name, const std::string& address) {
  return {name, kWorkers + kPort + "[[service]]\nname = \"web\"\naddress = \"" + address + "\"\nport = 443\n",
          "8:11: service[0].address = \"" + address + "\": allowed is " + kAddressAllowed};
}
WrongCase wrong_service(const std::string& name, const std::string& key, const std::string& value,
                        const std::string& allowed) {
  return {name, kWorkers + kPort + kService + key + " = " + value + "\n",
          "10:" + std::to_string(key.size() + 4) + ": service[0]." + key + " = " + value + ": allowed is " +
              allowed};
}
const std::string kDeviceAllowed =
    "a NIC by its PCI address, MAC address or interface, or a DPDK device string: "
    "\"net_af_packet0,iface=eth0\" is eth0 through the kernel";
WrongCase wrong_device(const std::string& name, const std::string& device) {
  return {name, kWorkers + "[[port]]\nname = \"out\"\ndevice = \"" + device + "\"\n" + kService,
          "5:10: port[0].device = \"" + device + "\": allowed is " + kDeviceAllowed};
}
WrongCase wrong_socket(const std::string& name, const std::string& path) {
  return {
      name, kWorkers + kPort + kService + "[control]\nsocket = \"" + path + "\"\n",
      "11:10: control.socket = \"" + path + "\": allowed is an absolute path of a file, at most 107 bytes"};
}
WrongCase wrong_key_file(const std::string& name, const std::string& path) {
  return {name, kWorkers + kPort + kService + "[cookie]\nkey_file = \"" + path + "\"\n",
          "11:12: cookie.key_file = \"" + path + "\": allowed is an absolute path of a file"};
}
WrongCase wrong_metrics(const std::string& name, const std::string& at) {
  return {name, kWorkers + kPort + kService + "[control]\nmetrics = \"" + at + "\"\n",
          "11:11: control.metrics = \"" + at +
              "\": allowed is an address and a port, like \"127.0.0.1:9464\" or \"[::1]:9464\""};
}
const std::string kIdleAllowed = "seconds, 1 to 604800 (a week)";
const std::string kCloseAllowed = "seconds of silence, 1 to 604800 (a week)";
WrongCase wrong_port(const std::string& name, const std::string& port) {
  return {name,
          kWorkers + kPort + "[[service]]\nname = \"web\"\naddress = \"198.18.0.10\"\nport = " + port + "\n",
          "9:8: service[0].port = " + port + ": allowed is a TCP port, 1 to 65535"};
}

INSTANTIATE_TEST_SUITE_P(
    Config, Wrong,
    testing::Values(
        WrongCase{"NotToml", "[workers\n",
                  "1:9: not TOML: Error while parsing table header: expected ']', saw '\\n'"},
        WrongCase{"Empty", "",
                  "1:1: port is missing: it must be tables, written [[port]], at least 1 and at most 2"},
        WrongCase{"WorkersIsANumber", "workers = 3\n" + kPort + kService,
                  "1:11: workers = 3: allowed is a table"},
        wrong_lcores("NoLcore", ""), wrong_lcores("LcoreRangeBackwards", "3-1"),
        wrong_lcores("LcoreTooLarge", "127"), wrong_lcores("LcoreTwice", "1,1-2"),
        wrong_lcores("LcoreTrailing", "1,"), wrong_lcores("LcoreOverflow", "99999999"),
        WrongCase{"LcoresIsANumber", "[workers]\nlcores = 1\n" + kPort + kService,
                  "2:10: workers.lcores = 1: allowed is " + kLcoresAllowed},
        WrongCase{"Poll", kWorkers + "poll = \"lazy\"\n" + kPort + kService,
                  "3:8: workers.poll = \"lazy\": allowed is \"adaptive\" or \"busy\""},
        WrongCase{"UnknownKey", kWorkers + "pol = \"busy\"\n" + kPort + kService,
                  "3:1: unknown key workers.pol; the nearest known one is workers.poll"},
        WrongCase{"UnknownTable", "[worker]\n" + kWorkers + kPort + kService,
                  "1:2: unknown key worker; the nearest known one is workers"},
        WrongCase{"NoPort", kWorkers + kService,
                  "1:1: port is missing: it must be tables, written [[port]], at least 1 and at most 2"},
        WrongCase{"NoDevice", kWorkers + "[[port]]\nname = \"out\"\n" + kService,
                  "3:1: port[0].device is missing: it must be " + kDeviceAllowed},
        wrong_address("NotAnAddress", "198.18.0"), wrong_address("Multicast", "224.0.0.1"),
        wrong_address("Loopback", "127.0.0.1"), wrong_address("Ipv4Mapped", "::ffff:1.2.3.4"),
        wrong_address("Unspecified", "::"), wrong_address("HostBits", "198.18.0.1/24"),
        wrong_address("PrefixTooLong", "198.18.0.0/33"), wrong_address("PrefixOfNothing", "198.18.0.0/"),
        wrong_address("PrefixZero", "0.0.0.0/0"), wrong_address("Broadcast", "255.255.255.255"),
        wrong_port("PortZero", "0"), wrong_port("PortTooLarge", "65536"), wrong_port("PortNegative", "-1"),
        WrongCase{"SameName",
                  kWorkers + kPort + kService +
                      "[[service]]\nname = \"web\"\naddress = \"198.18.0.11\"\nport = 1\n",
                  "11:8: service[1].name = \"web\": allowed is a name that no other service has"},
        WrongCase{"SamePlace",
                  kWorkers + kPort + kService +
                      "[[service]]\nname = \"b\"\naddress = \"198.18.0.10\"\nport = 443\n",
                  "13:8: service[1].port = 443: allowed is one that no other service has at this address"},
        WrongCase{"MtuTooSmall", kWorkers + kPort + "mtu = 1279\n" + kService,
                  "6:7: port[0].mtu = 1279: allowed is bytes of an IP packet, 1280 (RFC 8200 5) to 9600"},
        WrongCase{"PropagatesALinkToNowhere",
                  kWorkers + kPort + kService + "[inline]\npropagate_link = true\n",
                  "11:18: inline.propagate_link = true: allowed is nothing with one port: it belongs to two"},
        WrongCase{"TakesADefaultRouteOfNoInterface",
                  kWorkers + kPort + "take_default_route = \"eth0,1\"\n" + kService,
                  "6:22: port[0].take_default_route = \"eth0,1\": allowed is the name of the interface that "
                  "may be taken"},
        WrongCase{"MtuTooLarge", kWorkers + kPort + "mtu = 9601\n" + kService,
                  "6:7: port[0].mtu = 9601: allowed is bytes of an IP packet, 1280 (RFC 8200 5) to 9600"},
        wrong_service("Then", "then", "\"reset\"", "\"accept\" with one port, \"proxy\" with two"),
        wrong_service("ProxyWithOnePort", "then", "\"proxy\"",
                      "\"accept\" with one port: \"proxy\" wants two, outside and inside"),
        WrongCase{
            "ThenIsProxyAheadOfTheOnlyPort", kWorkers + kService + "then = \"proxy\"\n" + kPort,
            "7:8: service[0].then = \"proxy\": allowed is \"accept\" with one port: \"proxy\" wants two, "
            "outside and inside"},
        wrong_service("IdleTimeoutZero", "idle_timeout", "0", kIdleAllowed),
        wrong_service("IdleTimeoutTooLong", "idle_timeout", "604801", kIdleAllowed),
        wrong_service("CloseAfterNegative", "close_after", "-1", kCloseAllowed),
        wrong_service("CloseAfterIsText", "close_after", "\"1s\"", kCloseAllowed),
        WrongCase{"TooFewConnections", kWorkers + kPort + kService + "[table]\nconnections_per_core = 1023\n",
                  "11:24: table.connections_per_core = 1023: allowed is connections, 1024 to 67108864"},
        WrongCase{"TooManyConnections",
                  kWorkers + kPort + kService + "[table]\nconnections_per_core = 67108865\n",
                  "11:24: table.connections_per_core = 67108865: allowed is connections, 1024 to 67108864"},
        WrongCase{"NoBacklog", kWorkers + kPort + kService + "[accept]\nbacklog = 0\n",
                  "11:11: accept.backlog = 0: allowed is connections, 1 to 1048576"},
        WrongCase{"TableIsANumber", "table = 5\n" + kWorkers + kPort + kService,
                  "1:9: table = 5: allowed is a table"},
        WrongCase{"UnknownTableKey", kWorkers + kPort + kService + "[table]\nconnections = 5000\n",
                  "11:1: unknown key table.connections; the nearest known one is table.connections_per_core"},
        wrong_socket("SocketIsRelative", "s"), wrong_socket("SocketIsAFolder", "/run/"),
        wrong_socket("SocketIsTheRoot", "/"), wrong_socket("SocketIsTheFolderAbove", "/run/.."),
        wrong_metrics("MetricsWithoutPort", "127.0.0.1"), wrong_metrics("MetricsWithoutAddress", ":9464"),
        wrong_metrics("MetricsPortZero", "127.0.0.1:0"), wrong_metrics("MetricsPortTooLarge", "[::1]:65536"),
        wrong_metrics("MetricsWithAName", "localhost:9464"),
        wrong_metrics("MetricsWithoutBrackets", "::1:9464"),
        wrong_metrics("MetricsWithHalfABracket", "[::1:9464"),
        wrong_metrics("MetricsWithAPath", "127.0.0.1:9464/"),
        wrong_key_file("KeyFileIsRelative", "keys.toml"), wrong_key_file("KeyFileIsAFolder", "/etc/"),
        wrong_key_file("KeyFileIsEmpty", ""), wrong_socket("SocketTooLong", "/" + std::string(107, 's')),
        wrong_device("DeviceIsEmpty", ""), wrong_device("DeviceIsTooLongForAnInterface", "sixteen-letters_"),
        wrong_device("DeviceIsAPath", "../eth0"), wrong_device("DeviceIsAFolder", ".."),
        wrong_device("DeviceHasASpace", "eth 0"), wrong_device("DeviceOfOctets", "52:54:00:ab:cd"),
        wrong_device("DeviceIsAPrefix", "net_"), wrong_device("DeviceWithoutFunction", "0000:3b:00"),
        wrong_device("DeviceOfLetters", "0000:3g:00.0"),
        wrong_device("DeviceFunctionTooLarge", "0000:3b:00.8"),
        wrong_device("DeviceDomainTooShort", "000:3b:00.0"),
        WrongCase{"PortNameIsEmpty", kWorkers + "[[port]]\nname = \"\"\ndevice = \"net_null0\"\n" + kService,
                  "4:8: port[0].name = \"\": allowed is a name"},
        WrongCase{"ServiceNameIsEmpty",
                  kWorkers + kPort + "[[service]]\nname = \"\"\naddress = \"198.18.0.10\"\nport = 443\n",
                  "7:8: service[0].name = \"\": allowed is a name"}),
    [](const auto& test) { return test.param.name; });

TEST(Config, TellsAllErrorsInTheOrderOfTheFile) {
  const auto errors =
      parse("[workers]\nlcores = \"x\"\n" + kPort + "[[service]]\nport = 0\nnam = \"web\"\n", "f").errors;
  ASSERT_EQ(errors.size(), 5u);
  for (std::size_t i = 1; i < errors.size(); ++i)
    EXPECT_LE(std::stoi(errors[i - 1].substr(2)), std::stoi(errors[i].substr(2)));
}

TEST(Config, TellsOfEachServiceThatItHasNoName) {
  const std::string nameless = "[[service]]\naddress = \"198.18.0.10\"\nport = ";
  const auto errors = parse(kWorkers + kPort + nameless + "1\n" + nameless + "2\n", "f").errors;
  EXPECT_EQ(errors, (std::vector<std::string>{"f:6:1: service[0].name is missing: it must be a name",
                                              "f:9:1: service[1].name is missing: it must be a name"}));
}

TEST(Config, PrintsTextsSoThatTheyReadBackWhateverIsInThem) {
  for (const std::string name : {"it's", "\\\"two\\\"", "a\\\\b", "tab\\tnew\\nline\\r",
                                 "\\u0000\\u007f\\u0085", "# no comment", "\u00e4"}) {
    const auto [config, errors] =
        parse(kPort + "[[service]]\nname = \"" + name + "\"\naddress = \"198.18.0.10\"\nport = 443\n", "t");
    ASSERT_TRUE(errors.empty()) << errors.front();
    expect_to_read_back(config);
  }
}

TEST(Config, RefusesWhatIsNoReadableFile) {
  // A pipe would block, and what cannot be read to its end is not a shorter file.
  const auto pipe = std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {"/"s, "/nonexistent.toml"s, "/proc/self/mem"s, pipe.string()})
    EXPECT_EQ(load(path).errors,
              std::vector{path + ": cannot be read: it must be a file that this user may read"});
  std::filesystem::remove(pipe);
}

/// With values of all kinds.
const std::string kLong = kWorkers + kPort + "mtu = 9000\n" + kService +
                          "then = \"accept\"\nclose_after = 1\n" +
                          "[control]\nmetrics = \"[::1]:9464\"\ntelemetry = true\n[drop_list]\nsources = "
                          "[\"198.51.100.0/24\", \"2001:db8::/32\"]\n";

/// A config that takes it, or a sentence that begins with the place.
void expect_a_verdict(const std::string& text) {
  const auto [config, errors] = parse(text, "t");
  for (const auto& error : errors) EXPECT_TRUE(error.starts_with("t:")) << error << "\n" << text;
  if (errors.empty()) expect_to_read_back(config);
}

TEST(Config, IsTakenOrRefusedWhereverItIsCutOff) {
  for (std::size_t length = 0; length <= kLong.size(); ++length) expect_a_verdict(kLong.substr(0, length));
}

TEST(Config, IsTakenOrRefusedWhicheverByteIsAnother) {
  for (const char other : {'\0', '\xff', '"', '[', '=', '\n', '9', '\\'}) {
    for (std::size_t at = 0; at < kLong.size(); ++at) {
      std::string text = kLong;
      text[at] = other;
      expect_a_verdict(text);
    }
  }
}

TEST(Config, TakesCarriageReturnsAndAByteOrderMark) {
  std::string text = "\xef\xbb\xbf" + kWorkers + kPort + kService;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  EXPECT_TRUE(parse(text, "t").errors.empty());
  EXPECT_FALSE(parse("[workers]\nlcores = \"\xff\"\n", "t").errors.empty());
}

}  // namespace
}  // namespace synward::config
