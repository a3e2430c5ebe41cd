// Mirrors config/schema.hpp, reader.hpp and reference.hpp: each row is read, kept to, printed and documented.
// json_schema.hpp is judged by schema_test.py.
#include "config/schema.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "config/print.hpp"
#include "config/reader.hpp"
#include "config/reference.hpp"

namespace synward::config {
namespace {

const Mode kModes[] = {Mode::kOnePort, Mode::kTwoPorts};

/// Values other than the default, as check prints them.
std::vector<std::string> values_of(const Setting& setting, Mode mode) {
  static const std::map<std::string, std::string> kTexts{
      {"workers.lcores", "\"2,5\""},
      {"port.name", "\"outside\""},
      {"port.device", "\"0000:3b:00.0,rxq=1\""},
      {"port.take_default_route", "\"eth0\""},
      {"service.name", "\"web\""},
      {"service.address", "\"2001:2::/48\""},
      {"cookie.key_file", "\"/etc/keys\""},
      {"drop_list.sources", "[\"203.0.113.0/24\", \"2001:db8::1\"]"},
      {"control.socket", "\"/run/s\""},
      {"control.metrics", "\"[::1]:9464\""},
  };
  if (setting.type == Type::kFlag) return {"true", "false"};
  if (setting.type == Type::kInteger)
    return {std::to_string(setting.range.least), std::to_string(setting.range.most)};
  if (setting.choices.empty())
    return {kTexts.at(std::string{setting.table} + "." + std::string{setting.key})};
  std::vector<std::string> values;
  for (const Choice& choice : setting.choices) {
    if (fits(choice.mode, mode)) values.push_back("\"" + std::string{choice.text} + "\"");
  }
  return values;
}

/// A config of `mode` that sets nothing but what it must, and `set`.
std::string config_with(Mode mode, const Setting& set, const std::string& value) {
  std::string text;
  for (const Table& table : tables()) {
    std::string lines;
    for (const Setting& setting : settings_of(table)) {
      const bool is_it = &setting == &set;
      if (is_it || setting.required)
        lines += std::string{setting.key} + " = " + (is_it ? value : values_of(setting, mode).front()) + "\n";
    }
    if (!lines.empty()) text += heading(table) + "\n" + lines;
  }
  if (mode == Mode::kTwoPorts) text += "[[port]]\nname = \"inside\"\ndevice = \"net_null1\"\n";
  return text;
}

/// Whether `line` stands below the first heading of `table`.
bool prints(const std::string& text, std::string_view table, const std::string& line) {
  const auto begin = text.find(heading(table_row(table)) + "\n");
  if (begin == std::string::npos) return false;
  const auto section = text.substr(begin, text.find("\n\n", begin) - begin);
  return (section + "\n").find("\n" + line + "\n") != std::string::npos;
}

TEST(Schema, EverySettingIsReadAndPrinted) {
  for (const Mode mode : kModes) {
    for (const Setting& setting : settings()) {
      if (!fits(setting.mode, mode) || setting.key == "files")
        continue;  // drop_list_test.cpp has files to name
      for (const std::string& value : values_of(setting, mode)) {
        const std::string line = std::string{setting.key} + " = " + value;
        const auto [config, errors] = parse(config_with(mode, setting, value), "t");
        ASSERT_TRUE(errors.empty()) << errors.front();
        EXPECT_TRUE(prints(to_toml(config), setting.table, line)) << line << "\n" << to_toml(config);
      }
    }
  }
}

TEST(Schema, SettingsThatNobodyWroteHaveTheDefaultsThatItNames) {
  for (const Mode mode : kModes) {
    const auto [config, errors] = parse(config_with(mode, setting_row("service", "name"), "\"a\""), "t");
    ASSERT_TRUE(errors.empty()) << errors.front();
    for (const Setting& setting : settings()) {
      if (setting.required || setting.key == "then") continue;
      std::string line{setting.key};
      if (setting.standard.empty()) {
        line = "# " + line + " is not set: " + std::string{setting.otherwise};
      } else {
        line += " = " + std::string{setting.standard};
      }
      EXPECT_EQ(prints(to_toml(config), setting.table, line), fits(setting.mode, mode)) << line;
    }
  }
}

TEST(Schema, NumbersBeyondTheirRangeAreRefusedInItsWords) {
  for (const Setting& setting : settings()) {
    if (setting.type != Type::kInteger) continue;
    const Mode mode = setting.mode == Mode::kAny ? Mode::kOnePort : setting.mode;
    for (const auto number : {setting.range.least - 1, setting.range.most + 1}) {
      const auto errors = parse(config_with(mode, setting, std::to_string(number)), "t").errors;
      ASSERT_EQ(errors.size(), 1u) << setting.key;
      const std::string wanted =
          std::string{setting.key} + " = " + std::to_string(number) + ": allowed is " + allowed(setting);
      EXPECT_NE(errors.front().find(wanted), std::string::npos) << errors.front() << "\n" << wanted;
    }
  }
}

TEST(Schema, WhatBelongsToTheOtherNumberOfPortsIsRefused) {
  int refused = 0;
  for (const Setting& setting : settings()) {
    for (const Mode mode : kModes) {
      if (fits(setting.mode, mode)) continue;
      const auto errors = parse(config_with(mode, setting, values_of(setting, mode).front()), "t").errors;
      ASSERT_EQ(errors.size(), 1u) << setting.key;
      EXPECT_NE(errors.front().find(": allowed is nothing with "), std::string::npos) << errors.front();
      ++refused;
    }
  }
  EXPECT_EQ(refused, 3);
}

/// Each of these is a mistake of who adds a setting, and any config shows it.
TEST(Schema, ReadersAndRowsThatDoNotMatchThrow) {
  const toml::table nothing;
  Errors errors{"t"};
  Reader reader{nothing, table_row("workers"), "workers", Mode::kAny, errors};
  EXPECT_THROW((void)reader.text("pool"), std::logic_error);     // no row
  EXPECT_THROW((void)reader.integer("poll"), std::logic_error);  // another type
  EXPECT_EQ(reader.text("lcores"), std::nullopt);
  EXPECT_THROW(reader.finish(), std::logic_error);  // nobody asked for poll
  EXPECT_EQ(reader.text("poll"), std::nullopt);
  EXPECT_NO_THROW(reader.finish());
  EXPECT_THROW((void)table_row("worker"), std::logic_error);
  EXPECT_TRUE(errors.sorted().empty());
}

class Sample : public testing::TestWithParam<std::string> {};

TEST_P(Sample, IsRightAndReadsBackTheSameFromWhatCheckPrints) {
  const auto [config, errors] = load(SAMPLES "/" + GetParam() + ".toml");
  ASSERT_TRUE(errors.empty()) << errors.front();
  const auto again = parse(to_toml(config), "printed");
  ASSERT_TRUE(again.errors.empty()) << again.errors.front();
  EXPECT_TRUE(again.config == config) << to_toml(config);
  EXPECT_EQ(to_toml(again.config), to_toml(config));
}

INSTANTIATE_TEST_SUITE_P(Config, Sample, testing::Values("endpoint", "host", "inline", "veth"),
                         [](const auto& test) { return test.param; });

TEST(Sample, OfAHostHasThisMachinesKernelInside) {
  const auto config = load(SAMPLES "/host.toml").config;
  ASSERT_TRUE(is_inline(config));
  EXPECT_EQ(config.ports[0].device, "0000:3b:00.0");
  EXPECT_EQ(config.ports[1].device, "net_tap0,iface=synward0");
}

TEST(Reference, IsTheCommittedPage) {
  std::ostringstream page;
  page << std::ifstream{SAMPLES "/REFERENCE.md"}.rdbuf();
  EXPECT_EQ(page.str(), reference())
      << "build/release/synward check --reference > config/REFERENCE.md brings it up to date";
}

TEST(Reference, BeginsWithAWholeConfig) {
  const std::string page = reference(), fence = "```toml\n";
  const auto begin = page.find(fence) + fence.size();
  const auto errors = parse(page.substr(begin, page.find("```", begin) - begin), "t").errors;
  EXPECT_TRUE(errors.empty()) << errors.front();
}

TEST(Reference, NamesEverySettingOnceWithWhatIsAllowed) {
  std::string page = reference();
  std::replace(page.begin(), page.end(), '\n', ' ');
  for (const Setting& setting : settings()) {
    std::string words = allowed(setting);
    page = page.substr(page.find("### `" + std::string{setting.key} + "`"));  // in the order of the rows
    const auto next = page.find("### ", 1);
    std::string entry;  // its words, wherever a line ends
    std::istringstream all{page.substr(0, next)};
    for (std::string word; all >> word;) entry += word + " ";
    EXPECT_NE(entry.find("allowed: " + words), std::string::npos) << entry;
  }
  EXPECT_EQ(page.find("### ", 1), std::string::npos);
}

}  // namespace
}  // namespace synward::config
