#include "control/key_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <future>
#include <malloc.h>
#include <optional>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <toml++/toml.h>

#include "control/descriptor.hpp"
#include "control/mendable.hpp"
#include "control/random_value.hpp"

namespace synward::control {
namespace {

using cookie::KeyRing;
using cookie::Master;
using cookie::Slot;

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMostBytes = 64 << 10;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw std::runtime_error(path + ": " + what);
}

[[noreturn]] void refuse_to_read(const std::string& path, int error) {
  const std::string problem = fmt::format("{}: cannot be read ({})", path, std::strerror(error));
  if (error != ENOENT) throw std::runtime_error(problem);
  const std::string command = "synward keys init " + quoted(path);
  throw Mendable{problem, fmt::format("\"{}\" makes it", command), command};
}

/// Text that was, or was made from, a secret: overwritten when it goes.
struct SecretText {
  std::string text;
  ~SecretText() { crypto::erase(text.data(), text.size()); }
};

/// Masters on their way into or out of a ring, which erases its own copy.
struct Masters {
  std::vector<Master> all;
  Masters() { all.reserve(KeyRing::kMaxMasters + 1); }  // moved nowhere, so none is left behind
  ~Masters() { crypto::erase(all.data(), all.size() * sizeof(Master)); }
};

[[gnu::noinline]] void erase_stack() {
  std::array<std::byte, 64 << 10> used;
  crypto::erase(used.data(), used.size());
}

/// What `read` returns. Text libraries copy what they read: meanwhile freed memory is overwritten (in the
/// whole process, which costs little), and then the stack. In a thread of its own, for glibc overwrites
/// nothing that goes to a thread's cache of small chunks before the thread has ended.
template <typename Read>
auto without_traces(Read read) {
  ::mallopt(M_PERTURB, 0xff);
  auto reading = std::async(std::launch::async, [&read] {
    struct AtTheEnd {
      ~AtTheEnd() { erase_stack(); }
    } const at_the_end;
    return read();
  });
  reading.wait();  // until the thread has ended
  ::mallopt(M_PERTURB, 0);
  return reading.get();
}

std::optional<crypto::AesBlock> block_of(std::string_view hex) {
  crypto::AesBlock block{};
  if (hex.size() != 2 * block.bytes.size()) return {};
  for (std::size_t i = 0; i < block.bytes.size(); ++i) {
    std::uint8_t byte = 0;
    const char* const from = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(from, from + 2, byte, 16);
    if (error != std::errc{} || end != from + 2) return {};
    block.bytes[i] = std::byte{byte};
  }
  return block;
}

/// Nothing else than `keys` is in `table`.
void refuse_others(const toml::table& table, std::initializer_list<std::string_view> keys,
                   const std::string& path) {
  for (const auto& [key, node] : table) {
    if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
      refuse(path, fmt::format("line {}: unknown key; there are {}",  // its name may be a secret, misplaced
                               key.source().begin.line, fmt::join(keys, ", ")));
  }
}

Master master_of(const toml::table& table, const std::string& path) {
  const auto line = table.source().begin.line;
  refuse_others(table, {"first_slot", "secret"}, path);
  const auto first = table["first_slot"].value_exact<std::int64_t>();
  if (!first || *first < 0 || *first > UINT32_MAX)
    refuse(path, fmt::format("line {}: first_slot must be a number from 0 to {}", line, UINT32_MAX));
  const auto* secret = table["secret"].as_string();
  const auto key = secret == nullptr ? std::nullopt : block_of(secret->get());
  if (!key) refuse(path, fmt::format("line {}: secret must be 32 hexadecimal digits in quotes", line));
  return {.key = *key, .first = {static_cast<std::uint32_t>(*first)}};
}

void write_all(const Descriptor& file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse(path, fmt::format("cannot be written ({})", std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

SecretText text_of(const KeyRing& ring) {
  SecretText made;
  made.text.reserve(kMostBytes);  // it must not move
  fmt::format_to(
      std::back_inserter(made.text),
      "# Keys of synward's cookies. Whoever reads this can forge them: keep it 0600, and make it by `synward "
      "keys`.\nversion = {}\n",
      kVersion);
  for (const Master& master : ring.masters()) {
    fmt::format_to(std::back_inserter(made.text), "\n[[key]]\nfirst_slot = {}\nsecret = \"",
                   master.first.number);
    for (const std::byte byte : master.key.bytes)
      fmt::format_to(std::back_inserter(made.text), "{:02x}", std::to_integer<unsigned>(byte));
    made.text += "\"\n";
  }
  return made;
}

/// Different masters have different ones, but for one pair in 2^32; it tells nothing of the master.
std::string id_of(const Master& master) {
  crypto::AesBlock block{};
  block.bytes.fill(std::byte{0xff});  // no slot's, of which cookies are made
  crypto::portable_aes().encrypt(crypto::expand_key(master.key), &block, &block, 1);
  std::string id;
  for (std::size_t i = 0; i < 4; ++i) id += fmt::format("{:02x}", std::to_integer<unsigned>(block.bytes[i]));
  return id;
}

std::string time_of(Slot slot) {
  const std::chrono::sys_seconds at{std::chrono::seconds{slot.number * (cookie::kSlotMs / 1000)}};
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", at);
}

}  // namespace

namespace {

KeyRing parse(std::string_view text, const std::string& path) {
  Masters masters;
  try {
    toml::table file = toml::parse(text, path);
    refuse_others(file, {"version", "key"}, path);
    if (file["version"].value_exact<std::int64_t>() != kVersion)
      refuse(path, fmt::format("version must be {}: files of another one are for another synward", kVersion));
    auto* keys = file["key"].as_array();
    if (keys == nullptr || keys->empty() || keys->size() > KeyRing::kMaxMasters ||
        !keys->is_homogeneous<toml::table>())
      refuse(path, "there must be one to three [[key]]");
    for (toml::node& key : *keys) {
      masters.all.push_back(master_of(*key.as_table(), path));
      auto& secret = key.as_table()->at("secret").as_string()->get();
      crypto::erase(secret.data(), secret.size());
    }
  } catch (const toml::parse_error& error) {
    // Its description may quote the file.
    refuse(path, fmt::format("line {}: not TOML", error.source().begin.line));
  }
  try {
    return KeyRing{masters.all};
  } catch (const std::invalid_argument&) {
    refuse(path, "first_slot must grow from key to key");
  }
}

KeyRing read(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a pipe must not block
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) refuse_to_read(path, errno);
  if (!S_ISREG(status.st_mode)) refuse(path, "is no file");
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    throw Mendable{path + ": belongs to another user, who could read and change it", "chown " + user_name(),
                   fmt::format("chown {} {}", user_name(), quoted(path))};
  if ((status.st_mode & 077) != 0)
    throw Mendable{
        fmt::format("{}: others may read or change it (mode {:04o})", path, status.st_mode & 07777u),
        "chmod 600", "chmod 600 " + quoted(path)};
  if (status.st_size > static_cast<off_t>(kMostBytes)) refuse(path, "too long for a key file");
  SecretText read{std::string(static_cast<std::size_t>(status.st_size), '\0')};
  std::size_t got = 0;
  while (got < read.text.size()) {
    const ssize_t count = ::read(file.get(), read.text.data() + got, read.text.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(path, fmt::format("cannot be read ({})", std::strerror(errno)));
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  return parse(std::string_view{read.text}.substr(0, got), path);
}

/// Whoever had the file `old` has `made`; nothing when there is none.
void leave_to_its_owner(const Descriptor& made, const std::string& old) {
  struct stat status {};
  if (::stat(old.c_str(), &status) != 0 || (status.st_uid == ::geteuid() && status.st_gid == ::getegid()))
    return;
  if (::fchown(made.get(), status.st_uid, status.st_gid) != 0)
    refuse(old, fmt::format("belongs to another user, to whom it cannot be left ({})", std::strerror(errno)));
}

}  // namespace

KeyRing parse_keys(std::string_view text, const std::string& path) {
  return without_traces([&] { return parse(text, path); });
}

KeyRing read_key_file(const std::string& path) {
  return without_traces([&] { return read(path); });
}

void write_key_file(const std::string& as_named, const KeyRing& ring, bool replace) {
  std::error_code none_yet;
  const auto behind_links = std::filesystem::canonical(as_named, none_yet);
  const std::string path = none_yet || !replace ? as_named : behind_links.string();
  const std::string beside = fmt::format("{}.new-{}", path, ::getpid());
  ::unlink(beside.c_str());
  const Descriptor file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.get() < 0) refuse(path, fmt::format("cannot be made ({})", std::strerror(errno)));
  try {
    if (replace) leave_to_its_owner(file, path);
    write_all(file, text_of(ring).text, path);
    if (::fsync(file.get()) != 0) refuse(path, fmt::format("cannot be written ({})", std::strerror(errno)));
    const unsigned how = replace ? 0 : RENAME_NOREPLACE;
    if (::renameat2(AT_FDCWD, beside.c_str(), AT_FDCWD, path.c_str(), how) != 0)
      refuse(path, errno == EEXIST ? "is there already; `synward keys rotate` adds a key to it"
                                   : fmt::format("cannot be made ({})", std::strerror(errno)));
  } catch (...) {
    ::unlink(beside.c_str());
    throw;
  }
  const auto folder = std::filesystem::path{path}.parent_path();
  const Descriptor entry{::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (entry.get() >= 0) ::fsync(entry.get());
}

KeyRing rotated(const KeyRing& ring, Slot now, Slot first) {
  const auto masters = ring.masters();
  if (masters.back().first > now)
    throw std::runtime_error(fmt::format("a key is waiting already, for {}", time_of(masters.back().first)));
  // A node whose clock is behind accepts cookies of two slots ago for a little longer.
  const Slot oldest_alive{now.number - 2};
  Masters made;
  for (std::size_t i = 0; i < masters.size(); ++i) {
    if (i + 1 == masters.size() || masters[i + 1].first > oldest_alive) made.all.push_back(masters[i]);
  }
  if (made.all.size() == KeyRing::kMaxMasters)
    throw std::runtime_error("all three keys are still needed: the last ones follow each other too fast");
  made.all.push_back({.key = random_value<crypto::AesBlock>(), .first = first});
  return KeyRing{made.all};
}

std::string keys_text(const KeyRing& ring, std::uint64_t wall_ms) {
  const Slot now = cookie::slot_at(wall_ms);
  const auto masters = ring.masters();
  std::string text = "id        first slot  from                     now\n";
  for (std::size_t i = 0; i < masters.size(); ++i) {
    const Slot first = masters[i].first;
    const bool current = &ring.master(now) == &masters[i].key;
    std::string state = current ? "mints" : "its cookies live on, at most";
    if (first > now && !current)
      state = fmt::format("mints in {} s", first.number * (cookie::kSlotMs / 1000) - wall_ms / 1000);
    text += fmt::format("{}  {:>10}  {}  {}\n", id_of(masters[i]), first.number, time_of(first), state);
  }
  return text;
}

}  // namespace synward::control
