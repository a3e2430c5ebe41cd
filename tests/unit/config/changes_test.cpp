// Mirrors config/changes.hpp.
#include "config/changes.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace synward::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kPort = "[[port]]\nname = \"nic\"\ndevice = \"eth0\"\n";

std::string service(const std::string& name, const std::string& address, const std::string& more = "") {
  return "[[service]]\nname = \"" + name + "\"\naddress = \"" + address + "\"\nport = 443\n" + more;
}

Config config_of(const std::string& text) {
  auto [config, errors] = parse(text, "a.toml");
  EXPECT_THAT(errors, IsEmpty()) << text;
  return config;
}

Changes between(const std::string& before, const std::string& after) {
  return changes(config_of(before), config_of(after), families_of(config_of(before)));
}

TEST(Changes, OfNothingAreNone) {
  const std::string text =
      kPort + service("web", "198.18.0.10") + "[drop_list]\nsources = [\"198.18.7.7\"]\n";
  EXPECT_THAT(between(text, text).fixed, IsEmpty());
  EXPECT_THAT(between(text, text).live, IsEmpty());
}

TEST(Changes, OfServicesGoByAddressAndPort) {
  const auto found = between(
      kPort + service("web", "198.18.0.10") + service("mail", "198.18.0.11"),
      kPort + service("shop", "198.18.0.10", "idle_timeout = 60\n") + service("mail", "198.18.0.0/24"));
  EXPECT_THAT(found.fixed, IsEmpty());
  EXPECT_THAT(found.live, ElementsAre("service \"mail\" (198.18.0.11 port 443): no longer there",
                                      "service \"mail\" (198.18.0.0/24 port 443): new",
                                      "service \"shop\" (198.18.0.10 port 443): name: \"web\" -> \"shop\"",
                                      "service \"shop\" (198.18.0.10 port 443): idle_timeout: 7440 -> 60"));
}

TEST(Changes, TheOrderOfServicesIsNone) {
  const std::string one = service("web", "198.18.0.10"), other = service("mail", "198.18.0.11");
  EXPECT_THAT(between(kPort + one + other, kPort + other + one).live, IsEmpty());
}

TEST(Changes, OfThousandsOfServicesAreNotListed) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += service("s" + std::to_string(i), "198.18.1." + std::to_string(i));
  const auto found =
      between(kPort + service("web", "198.18.0.10"), kPort + service("web", "198.18.0.10") + many);
  ASSERT_THAT(found.live, SizeIs(21));
  EXPECT_EQ(found.live.back(), "and 80 more of services");
}

TEST(Changes, OfAllElseWantAStart) {
  const std::string web = service("web", "198.18.0.10");
  EXPECT_THAT(
      between(kPort + web, kPort + web + "[workers]\npoll = \"busy\"\n[control]\nmetrics = \"[::1]:9000\"\n")
          .fixed,
      ElementsAre("[workers] poll: \"adaptive\" -> \"busy\"",
                  "[control] metrics: not set -> \"[::1]:9000\""));
  EXPECT_THAT(between(kPort + web, kPort + web + "[control]\ntelemetry = true\n").fixed,
              ElementsAre("[control] telemetry: false -> true"));
  EXPECT_THAT(between(kPort + web, "[[port]]\nname = \"card\"\ndevice = \"eth0\"\nmtu = 9000\n" + web).fixed,
              ElementsAre("[[port]] name: \"nic\" -> \"card\"", "[[port]] mtu: not set -> 9000"));
  const std::string two =
      "[[port]]\nname = \"outside\"\ndevice = \"eth0\"\n[[port]]\nname = \"inside\"\ndevice = \"eth1\"\n";
  EXPECT_THAT(between(kPort + web, two + web).fixed,
              ElementsAre("[[port]]: 1 -> 2", "[[port]] name: \"nic\" -> \"outside\""));
  EXPECT_THAT(
      between(kPort + web, kPort + web + service("six", "2001:2::10")).fixed,
      ElementsAre(
          "[[service]]: the first one over IPv6, whose connections need memory that is taken at start"));
}

TEST(Changes, OfAFamilyThatHadServicesAtStartWantNone) {
  const std::string web = kPort + service("web", "198.18.0.10"), six = web + service("six", "2001:2::10");
  const Families at_start = families_of(config_of(six));
  EXPECT_THAT(changes(config_of(web), config_of(six), at_start).fixed, IsEmpty());
}

TEST(Changes, OfADropListAreOfItsFilesAsWell) {
  const std::string path = testing::TempDir() + "synward-changes-test.txt",
                    web = kPort + service("web", "198.18.0.10");
  const std::string with_file = web + "[drop_list]\nfiles = [\"" + path + "\"]\n";
  std::ofstream{path} << "198.18.7.7\n";
  const Config before = config_of(with_file);
  std::ofstream{path} << "198.18.7.7\n198.18.8.0/24\n";
  const Config after = config_of(with_file), without = config_of(web);
  EXPECT_THAT(changes(before, after, families_of(before)).live,
              ElementsAre("drop list " + path + ": 1 -> 2 address(es) and prefix(es)"));
  EXPECT_THAT(changes(after, without, families_of(after)).live,
              ElementsAre("drop list " + path + ": no longer there"));
  EXPECT_THAT(changes(without, after, families_of(without)).live,
              ElementsAre("drop list " + path + ": 0 -> 2 address(es) and prefix(es)"));
  EXPECT_THAT(between(web, web + "[drop_list]\nsources = [\"198.18.7.7\"]\n").live,
              ElementsAre("[drop_list] sources: 0 -> 1 address(es) and prefix(es)"));
}

}  // namespace
}  // namespace synward::config
