// Mirrors control/key_file.hpp and key_watch.hpp.
#include "control/key_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/key_watch.hpp"

namespace synward::control {
namespace {

namespace fs = std::filesystem;
using cookie::KeyRing;
using cookie::Slot;
using testing::AllOf;
using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::uint32_t kNow = 28'000'001;
const std::string kSecret = "000102030405060708090a0b0c0d0eff";

std::string key(std::uint64_t first_slot, const std::string& secret = kSecret) {
  return "[[key]]\nfirst_slot = " + std::to_string(first_slot) + "\nsecret = \"" + secret + "\"\n";
}

std::string error_of(const auto& fails) {
  try {
    fails();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

class KeyFileTest : public testing::Test {
 protected:
  KeyFileTest() {
    std::string name = (fs::temp_directory_path() / "synward-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "keys.toml";
  }
  ~KeyFileTest() override { fs::remove_all(folder_); }
  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream{path_} << text;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }
  std::string error() const {
    return error_of([this] { static_cast<void>(read_key_file(path_)); });
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(KeyFileTest, HoldsWhatItSays) {
  write("version = 1\n" + key(7) + key(4294967295, "FFffffffffffffffffffffffffffffff"));
  const KeyRing ring = read_key_file(path_);
  ASSERT_EQ(ring.masters().size(), 2u);
  EXPECT_EQ(ring.masters()[0].first, Slot{7});
  EXPECT_EQ(std::to_integer<int>(ring.masters()[0].key.bytes[14]), 0x0e);
  EXPECT_EQ(std::to_integer<int>(ring.masters()[0].key.bytes[15]), 0xff);
  EXPECT_EQ(ring.masters()[1].first, Slot{4294967295});
}

TEST_F(KeyFileTest, IsRefusedWithoutASecretInTheSentence) {
  const std::string version = "version = 1\n";
  const struct {
    std::string text, says;
  } kWrong[] = {
      {"", "version must be 1"},
      {"version = 2\n" + key(0), "version must be 1"},
      {version, "one to three [[key]]"},
      {version + "key = []\n", "one to three [[key]]"},
      {version + "key = [1]\n", "one to three [[key]]"},
      {version + key(0) + key(1) + key(2) + key(3), "one to three [[key]]"},
      {version + key(1) + key(1), "first_slot must grow"},
      {version + key(2) + key(1), "first_slot must grow"},
      {version + key(4294967296), "line 2: first_slot must be a number from 0 to 4294967295"},
      {version + "[[key]]\nsecret = \"" + kSecret + "\"\n", "first_slot must be"},
      {version + "[[key]]\nfirst_slot = \"" + kSecret + "\"\n", "first_slot must be"},
      {version + key(0, kSecret.substr(1)), "line 2: secret must be 32 hexadecimal digits"},
      {version + key(0, kSecret + "0"), "secret must be"},
      {version + key(0, "x" + kSecret.substr(1)), "secret must be"},
      {version + key(0, "-" + kSecret.substr(1)), "secret must be"},
      {version + "[[key]]\nfirst_slot = 0\n", "secret must be"},
      {version + key(0) + "colour = \"" + kSecret + "\"\n",
       "line 5: unknown key; there are first_slot, secret"},
      {version + key(0) + "\"" + kSecret + "\" = 1\n", "line 5: unknown key; there are first_slot, secret"},
      {version + "secret = \"" + kSecret + "\"\n" + key(0), "line 2: unknown key; there are version, key"},
      {version + key(0, kSecret + "\n"), "line 4: not TOML"},
      {version + key(0).substr(0, 40), "not TOML"},
  };
  for (const auto& [text, says] : kWrong) {
    write(text);
    EXPECT_THAT(error(),
                AllOf(StartsWith(path_ + ": "), HasSubstr(says), Not(HasSubstr(kSecret.substr(2, 20)))))
        << text;
  }
}

TEST_F(KeyFileTest, IsTakenOrRefusedWhereverItIsCutOffAndWhicheverByteIsAnother) {
  const std::string whole = "version = 1\n" + key(0) + key(5, "f" + kSecret.substr(1));
  const auto expect_a_verdict = [](const std::string& text) {
    EXPECT_THAT(
        error_of([&] { static_cast<void>(parse_keys(text, "keys")); }),
        AnyOf(Eq("no error"), AllOf(StartsWith("keys: "), Not(HasSubstr("\n")), Not(HasSubstr("0405")))))
        << text;
  };
  for (std::size_t length = 0; length <= whole.size(); ++length) expect_a_verdict(whole.substr(0, length));
  for (const char other : {'\0', '\xff', '"', '[', '=', '\n', '9', '\\'}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string text = whole;
      text[at] = other;
      expect_a_verdict(text);
    }
  }
}

TEST_F(KeyFileTest, IsNobodyElses) {
  for (const mode_t mode : {0640u, 0604u, 0620u, 0610u, 0601u}) {
    write("version = 1\n" + key(0), mode);
    EXPECT_THAT(error(), HasSubstr("chmod 600")) << mode;
  }
  write("version = 1\n" + key(0), 0400);
  EXPECT_EQ(error(), "no error");
  ASSERT_EQ(geteuid(), 0u) << "only root gives files away";
  ASSERT_EQ(chown(path_.c_str(), 65534, 65534), 0);
  EXPECT_THAT(error(), HasSubstr("belongs to another user"));
}

TEST_F(KeyFileTest, IsAFile) {
  EXPECT_THAT(error(), HasSubstr("No such file"));
  fs::create_directory(path_);
  EXPECT_THAT(error(), HasSubstr("is no file"));
  fs::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(error(), HasSubstr("is no file")) << "and nobody waits for a writer";
  fs::remove(path_);
  write(std::string(70'000, '#'));
  EXPECT_THAT(error(), HasSubstr("too long"));
}

TEST_F(KeyFileTest, IsWrittenWholeAndForItsOwnerAlone) {
  const mode_t before = umask(0);
  write_key_file(path_, KeyRing::random(), false);
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0600u);
  const KeyRing first = read_key_file(path_);
  EXPECT_THAT(error_of([&] { write_key_file(path_, KeyRing::random(), false); }),
              HasSubstr("is there already"));
  EXPECT_EQ(read_key_file(path_).masters()[0].key, first.masters()[0].key);
  const KeyRing next = rotated(first, Slot{kNow}, Slot{kNow + 5});
  write_key_file(path_, next, true);
  const KeyRing read = read_key_file(path_);
  ASSERT_EQ(read.masters().size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.masters()[i].key, next.masters()[i].key);
    EXPECT_EQ(read.masters()[i].first, next.masters()[i].first);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator{folder_}, {}), 1) << "nothing is left beside it";
  EXPECT_THAT(error_of([] { write_key_file("/nowhere/at/all", KeyRing::random(), true); }),
              HasSubstr("cannot be made"));
}

TEST_F(KeyFileTest, StaysWhereItIsAndWhoseItIs) {
  ASSERT_EQ(geteuid(), 0u) << "only root gives files away";
  fs::create_directory(folder_ / "real");
  const fs::path real = folder_ / "real" / "keys.toml";
  write_key_file(real, KeyRing::random(), false);
  ASSERT_EQ(chown(real.c_str(), 65534, 65533), 0);
  fs::create_symlink("real/keys.toml", path_);
  write_key_file(path_, KeyRing::random(), true);
  EXPECT_TRUE(fs::is_symlink(path_));
  struct stat status {};
  ASSERT_EQ(stat(real.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 65534u);
  EXPECT_EQ(status.st_gid, 65533u);
  EXPECT_EQ(status.st_mode & 07777u, 0600u);
  EXPECT_THAT(error_of([&] { write_key_file(path_, KeyRing::random(), false); }),
              HasSubstr("is there already"));
}

TEST(RotatedKeys, KeepWhatSomeCookieMayStillNeed) {
  const auto slots = [](const KeyRing& ring) {
    std::vector<std::uint32_t> firsts;
    for (const auto& master : ring.masters()) firsts.push_back(master.first.number - kNow);
    return firsts;
  };
  using Firsts = std::vector<std::uint32_t>;
  const auto at = [](std::uint32_t slots_on) { return Slot{kNow + slots_on}; };
  const KeyRing one = parse_keys("version = 1\n" + key(kNow), "f");
  const KeyRing two = rotated(one, at(0), at(5));
  EXPECT_EQ(slots(two), (Firsts{0, 5}));
  EXPECT_EQ(two.masters()[0].key, one.masters()[0].key);
  EXPECT_FALSE(two.masters()[1].key == one.masters()[0].key);
  EXPECT_THAT(error_of([&] { static_cast<void>(rotated(two, at(4), at(9))); }),
              HasSubstr("a key is waiting already"));
  EXPECT_EQ(slots(rotated(two, at(5), at(9))), (Firsts{0, 5, 9}));
  EXPECT_EQ(slots(rotated(two, at(6), at(9))), (Firsts{0, 5, 9}))
      << "a cookie of slot 4 lives in slot 5, and with a slow clock";
  EXPECT_EQ(slots(rotated(two, at(7), at(9))), (Firsts{5, 9}));
  const KeyRing three = rotated(two, at(5), at(6));
  EXPECT_THAT(error_of([&] { static_cast<void>(rotated(three, at(6), at(9))); }),
              HasSubstr("all three keys are still needed"));
  EXPECT_EQ(slots(rotated(three, at(8), at(9))), (Firsts{6, 9}));
}

TEST(KeysText, SaysWhatEachDoesAndNoSecret) {
  const KeyRing ring = parse_keys("version = 1\n" + key(0) + key(kNow) + key(kNow + 2), "f");
  const std::string text = keys_text(ring, std::uint64_t{kNow} * cookie::kSlotMs + 1500);
  EXPECT_THAT(text, HasSubstr("           0  1970-01-01 00:00:00 UTC  its cookies live on, at most\n"));
  EXPECT_THAT(text, HasSubstr("    28000001  2026-10-14 17:47:44 UTC  mints\n"));
  EXPECT_THAT(text, HasSubstr("    28000003  2026-10-14 17:49:52 UTC  mints in 127 s\n"));
  EXPECT_THAT(text, Not(HasSubstr(kSecret.substr(0, 8))));
}

class KeyWatchTest : public KeyFileTest {};

TEST_F(KeyWatchTest, FollowsTheFileAndKeepsTheKeysWhenItIsWrong) {
  write("version = 1\n" + key(0));
  KeyWatch watch{path_};
  EXPECT_FALSE(watch.changed(Slot{kNow}));
  write("version = 1\n" + key(0));
  EXPECT_FALSE(watch.changed(Slot{kNow})) << "it says the same";
  write_key_file(path_, rotated(watch.ring(), Slot{kNow}, Slot{kNow + 5}), true);
  EXPECT_TRUE(watch.changed(Slot{kNow}));
  EXPECT_EQ(watch.ring().masters().size(), 2u);
  EXPECT_FALSE(watch.changed(Slot{kNow})) << "once";
  for (const char* wrong : {"version = 1\n[[ke", ""}) {
    write(wrong);
    EXPECT_FALSE(watch.changed(Slot{kNow}));
    EXPECT_EQ(watch.ring().masters().size(), 2u);
  }
  std::ofstream{folder_ / "another"} << "file";
  EXPECT_FALSE(watch.changed(Slot{kNow}));
  write("version = 1\n" + key(0, std::string(32, '7')));
  EXPECT_TRUE(watch.changed(Slot{kNow})) << "although handshakes break";
  fs::remove(path_);
  EXPECT_FALSE(watch.changed(Slot{kNow}));
  EXPECT_EQ(watch.ring().masters().size(), 1u);
}

TEST_F(KeyWatchTest, ReadsAFileThatWasWrongUntilItIsNot) {
  write("version = 1\n" + key(0));
  KeyWatch watch{path_};
  write("version = 1\n" + key(0) + key(5, std::string(32, '7')), 0644);
  std::ofstream{path_, std::ios::app} << "\n";
  EXPECT_FALSE(watch.changed(Slot{kNow}));
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);  // which writes nothing
  EXPECT_TRUE(watch.changed(Slot{kNow}));
  EXPECT_EQ(watch.ring().masters().size(), 2u);
  EXPECT_FALSE(watch.changed(Slot{kNow}));
}

TEST_F(KeyWatchTest, FollowsALinkWhoseFolderIsReplaced) {
  for (const char* version : {"one", "two"}) fs::create_directory(folder_ / version);
  path_ = folder_ / "one" / "keys.toml";
  write("version = 1\n" + key(0));
  path_ = folder_ / "two" / "keys.toml";
  write("version = 1\n" + key(0) + key(5, std::string(32, '7')));
  fs::create_directory_symlink("one", folder_ / "..data");
  fs::create_symlink("..data/keys.toml", folder_ / "keys.toml");
  KeyWatch watch{folder_ / "keys.toml"};
  EXPECT_EQ(watch.ring().masters().size(), 1u);
  fs::create_directory_symlink("two", folder_ / "..new");
  fs::rename(folder_ / "..new", folder_ / "..data");
  EXPECT_TRUE(watch.changed(Slot{kNow}));
  EXPECT_EQ(watch.ring().masters().size(), 2u);
}

TEST_F(KeyWatchTest, FollowsTheFileIntoAFolderThatReplacesItsOwn) {
  const fs::path folder = folder_ / "etc", away = folder_ / "away";
  const auto write_in = [&](const std::string& rows) {
    fs::create_directory(folder);
    path_ = folder / "keys.toml";
    write("version = 1\n" + rows);
  };
  const std::string one = key(0), more = key(5, std::string(32, '7'));
  write_in(one);
  KeyWatch watch{path_};
  fs::rename(folder, away);
  EXPECT_FALSE(watch.changed(Slot{kNow})) << "there is none";
  EXPECT_FALSE(watch.changed(Slot{kNow}));
  write_in(one + more);
  EXPECT_TRUE(watch.changed(Slot{kNow}));
  EXPECT_EQ(watch.ring().masters().size(), 2u);
  write_in(one);
  EXPECT_TRUE(watch.changed(Slot{kNow})) << "it is followed there";
  std::ofstream{away / "keys.toml"} << "of no use";
  EXPECT_FALSE(watch.changed(Slot{kNow})) << "and not where it was";
  fs::remove_all(folder);
  EXPECT_FALSE(watch.changed(Slot{kNow}));
  write_in(one + more);
  EXPECT_TRUE(watch.changed(Slot{kNow}));
  fs::rename(folder, folder_ / "old");  // and at once another one
  write_in(one);
  EXPECT_TRUE(watch.changed(Slot{kNow}));
}

TEST_F(KeyWatchTest, WantsTheFileAtTheStart) {
  EXPECT_THAT(error_of([this] { KeyWatch{path_}; }), StartsWith(path_ + ": cannot be read"));
}

}  // namespace
}  // namespace synward::control
