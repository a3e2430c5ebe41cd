// Mirrors config/drop_file.hpp, and what load.hpp and print.hpp make of [drop_list].
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "config/drop_file.hpp"
#include "config/load.hpp"
#include "config/print.hpp"
#include "config/values.hpp"
#include "tests/support/addresses.hpp"

namespace synward::config {
namespace {

using namespace std::string_literals;
using test::ip4;
using test::ip6;

const std::string kRest =
    "[workers]\nlcores = \"1\"\n[[port]]\nname = \"out\"\ndevice = \"net_null0\"\n"
    "[[service]]\nname = \"web\"\naddress = \"198.18.0.10\"\nport = 443\n[drop_list]\n";  // 10 lines
const std::string kAllowed =
    "an IPv4 or IPv6 address (no IPv4-mapped one), or a prefix like \"203.0.113.0/24\" of 1 bit and more "
    "whose "
    "host bits are zero";

/// A file that is gone with its test.
class File {
 public:
  explicit File(const std::string& text, const std::string& name = "drop.txt")
      : path_{std::filesystem::temp_directory_path() / (std::to_string(getpid()) + name)} {
    std::ofstream{path_, std::ios::binary} << text;
  }
  ~File() { std::filesystem::remove(path_); }
  File(File&&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(DropFile, HoldsOnePrefixInALine) {
  const File file{
      "\xef\xbb\xbf; Spamhaus DROP List\n1.10.16.0/20 ; SBL256894\r\n\n  2001:db8::/32\t# documentation\r\n"
      "#203.0.113.0/24\n203.0.113.7\n0.0.0.0/8\n2001:2::1;\n198.18.0.0/15"};
  const auto [prefixes, errors] = read_drop_file(file.path());
  EXPECT_TRUE(errors.empty()) << errors.front();
  const std::vector<wire::Prefix> wanted{{ip4("1.10.16.0"), 20},   {ip6("2001:db8::"), 32},
                                         {ip4("203.0.113.7"), 32}, {ip4("0.0.0.0"), 8},
                                         {ip6("2001:2::1"), 128},  {ip4("198.18.0.0"), 15}};
  EXPECT_EQ(prefixes, wanted);
  EXPECT_TRUE(read_drop_file(File{""}.path()).errors.empty());
}

TEST(DropFile, TellsTheLineOfWhatItCannotTakeAndThenHasNothing) {
  const std::string wrong[] = {"198.18.0",      "198.18.0.1/24",     "198.18.0.0/0",  "198.18.0.0/33",
                               "2001:2::/129",  "198.18.0.0/",       "198.18.0.0/+8", "198.18.0.0/8 x",
                               "198.18.0.0 24", "198.18.0.1,",       "host.example",  "198.18.0.0/24\0"s,
                               "::/0",          "::ffff:198.18.0.1", "::ffff:0:0/96", "198.18.0.1\0junk"s};
  for (const std::string& text : wrong) {
    const File file{"198.18.0.0/24\n" + text + "\n"};
    const auto [prefixes, errors] = read_drop_file(file.path());
    EXPECT_TRUE(prefixes.empty()) << text;
    ASSERT_EQ(errors.size(), 1u) << text;
    EXPECT_EQ(errors.front().rfind(file.path() + ":2: \"", 0), 0u) << errors.front();
    EXPECT_NE(errors.front().find(": allowed is " + kAllowed), std::string::npos) << errors.front();
  }
}

/// Of a file of something else it tells a few lines, and nothing that harms a terminal.
TEST(DropFile, IsNotRepeatedToWhoGaveAWrongOne) {
  const File file{std::string(1000, '\x1b') + "\n" + std::string(100'000, 'x') + "\nx\ny\nz\nw\nv\n"};
  const auto errors = read_drop_file(file.path()).errors;
  ASSERT_EQ(errors.size(), 5u);
  for (const std::string& error : errors) {
    EXPECT_LT(error.size(), 300u);
    EXPECT_EQ(error.find('\x1b'), std::string::npos);
  }
}

TEST(DropFile, MustBeAFileOfSomeLength) {
  for (const char* path : {"/", "/nonexistent", "/dev/zero", "/proc/self/mem"}) {
    const auto errors = read_drop_file(path).errors;
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors.front(), path + ": cannot be read: it must be a file that this user may read"s);
  }
  const File file{""};
  std::filesystem::resize_file(file.path(), std::uintmax_t{257} << 20);  // sparse
  const auto errors = read_drop_file(file.path()).errors;
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front(), file.path() + ": too long: allowed are 256 MiB");
}

TEST(DropFile, HasAMillionPrefixesAtMost) {
  std::string text;
  for (int n = 0; n < 1'000'000; ++n) text += "198.18.0.1\n";
  const File file{text}, more{"# nothing\n198.18.0.2\n", "more"};
  const std::string too_many = "too many: allowed are 1000000 in all files";
  EXPECT_EQ(read_drop_file(file.path()).prefixes.size(), 1'000'000u);
  EXPECT_EQ(read_drop_file(file.path(), 999'999).errors, std::vector{file.path() + ":1000000: " + too_many});
  const auto both =
      parse(kRest + "files = [\"" + file.path() + "\", \"" + more.path() + "\"]\n", "f.toml").errors;
  EXPECT_EQ(both, std::vector{more.path() + ":2: " + too_many});
}

TEST(DropListConfig, IsOfSourcesAndFilesAndReadsBackFromWhatCheckPrints) {
  const File one{"198.18.9.0/24\n", "one"}, two{"2001:2:0:9::/64\n198.18.8.8\n", "two"};
  const std::string files = "files = [\"" + one.path() + "\", \"" + two.path() + "\"]\n";
  const auto [config, errors] =
      parse(kRest + "sources = [\"203.0.113.0/24\", \"2001:db8::1\"]\n" + files, "t");
  ASSERT_TRUE(errors.empty()) << errors.front();
  const auto& drops = config.drop_list;
  const std::vector<wire::Prefix> sources{{ip4("203.0.113.0"), 24}, {ip6("2001:db8::1"), 128}},
      in_one{{ip4("198.18.9.0"), 24}}, in_two{{ip6("2001:2:0:9::"), 64}, {ip4("198.18.8.8"), 32}};
  EXPECT_EQ(drops.sources, sources);
  ASSERT_EQ(drops.files.size(), 2u);
  EXPECT_EQ(drops.files[0].path, one.path());
  EXPECT_EQ(drops.files[0].sources, in_one);
  EXPECT_EQ(drops.files[1].sources, in_two);
  const auto again = parse(to_toml(config), "printed");
  ASSERT_TRUE(again.errors.empty()) << again.errors.front();
  EXPECT_TRUE(again.config == config) << to_toml(config);
}

TEST(DropListConfig, IsEmptyUnlessToldAndPrintedSo) {
  for (const std::string text : {"", "sources = []\n", "files = []\n"}) {
    const auto [config, errors] = parse(kRest + text, "t");
    ASSERT_TRUE(errors.empty()) << errors.front();
    EXPECT_TRUE(config.drop_list.sources.empty());
    EXPECT_TRUE(config.drop_list.files.empty());
    EXPECT_NE(to_toml(config).find("[drop_list]\nsources = []\nfiles = []\n"), std::string::npos);
  }
}

/// All errors are told: those of the config in its order, then those of the files.
TEST(DropListConfig, ToldWrongSaysWhereWhatAndWhatIsAllowed) {
  const File file{"nonsense\n"};
  const auto errors =
      parse(kRest + "files = [\"" + file.path() +
                "\", \"drop.txt\", 7]\nsources = [\"198.18.0.1\",\n  \"198.18.0.1/8\", 3]\nsource = 1\n",
            "f.toml")
          .errors;
  const std::string sources = ": allowed is clients' addresses or prefixes, each " + kAllowed,
                    files = ": allowed is absolute paths of files, each of one address or prefix in a line";
  const auto column = std::to_string(10 + file.path().size() + 2 + 2);
  const std::vector<std::string> wanted{
      "f.toml:11:" + column + ": drop_list.files[1] = \"drop.txt\"" + files,
      "f.toml:11:" + std::to_string(std::stoi(column) + 12) + ": drop_list.files[2] = 7" + files,
      "f.toml:13:3: drop_list.sources[1] = \"198.18.0.1/8\"" + sources,
      "f.toml:13:19: drop_list.sources[2] = 3" + sources,
      "f.toml:14:1: unknown key drop_list.source; the nearest known one is drop_list.sources",
      file.path() + ":1: \"nonsense\": allowed is " + kAllowed};
  EXPECT_EQ(errors, wanted);
  const auto not_a_list = parse(kRest + "sources = \"198.18.0.1\"\n", "f.toml").errors;
  ASSERT_EQ(not_a_list.size(), 1u);
  EXPECT_EQ(not_a_list.front(), "f.toml:11:11: drop_list.sources = \"198.18.0.1\"" + sources);
}

}  // namespace
}  // namespace synward::config
