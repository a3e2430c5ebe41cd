#include "control/key_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

#include <spdlog/spdlog.h>

#include "control/key_file.hpp"

namespace synward::control {

namespace {

/// The folder itself may be replaced, too.
constexpr std::uint32_t kFolderGone = IN_MOVE_SELF | IN_DELETE_SELF;

/// inotify's number for it, or -1. What is a link to another folder changes by being replaced.
int watch(const Descriptor& inotify, const std::string& file) {
  const auto folder = std::filesystem::path{file}.parent_path();
  return ::inotify_add_watch(inotify.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | kFolderGone);
}

bool are_equal(const cookie::KeyRing& one, const cookie::KeyRing& other) {
  return std::ranges::equal(one.masters(), other.masters(), [](const auto& a, const auto& b) {
    return a.first == b.first && a.key == b.key;  // whoever could time this may read the file
  });
}

}  // namespace

KeyWatch::KeyWatch(std::string path)
    : path_{std::move(path)},
      name_{std::filesystem::path{path_}.filename()},
      inotify_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)},
      folder_{watch(inotify_, path_)},  // first: nothing is missed in between
      ring_{read_key_file(path_)} {
  if (folder_ < 0) throw std::runtime_error(path_ + ": cannot be watched (" + std::strerror(errno) + ")");
}

bool KeyWatch::was_written() {
  alignas(inotify_event) std::array<char, 4096> events;
  bool written = false;
  ssize_t count = 0;
  while ((count = ::read(inotify_.get(), events.data(), events.size())) > 0) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
      inotify_event event{};
      std::memcpy(&event, events.data() + at, sizeof event);
      const char* name = events.data() + at + sizeof event;  // ends with zeros
      if ((event.mask & kFolderGone) != 0 && event.wd == folder_) {
        ::inotify_rm_watch(inotify_.get(), std::exchange(folder_, -1));
        written = true;
      }
      // Kubernetes replaces a folder "..data" through which the file is reached. An overflow says nothing at
      // all.
      if ((event.mask & IN_Q_OVERFLOW) != 0 ||
          (event.len != 0 && (std::string_view{name} == name_ || std::string_view{name}.starts_with(".."))))
        written = true;
      at += sizeof event + event.len;
    }
  }
  return written;
}

bool KeyWatch::changed(cookie::Slot now) {
  if (!was_written() && trouble_.empty()) return false;
  try {
    if (folder_ < 0) folder_ = watch(inotify_, path_);  // before the file is read
    if (folder_ < 0) throw std::runtime_error(path_ + ": its folder is gone");
    const cookie::KeyRing read = read_key_file(path_);
    if (!std::exchange(trouble_, {}).empty()) spdlog::info("keys: {} is as it should be again", path_);
    if (are_equal(read, ring_)) return false;
    for (const cookie::Slot slot : {now.previous(), now}) {
      if (read.master(slot) == ring_.master(slot)) continue;
      spdlog::warn("keys: {} has another key for a slot that is alive: handshakes in flight break", path_);
      break;
    }
    ring_ = read;
    spdlog::info("keys: {} was read again, {} key(s)", path_, ring_.masters().size());
    return true;
  } catch (const std::runtime_error& error) {
    if (trouble_ != error.what()) spdlog::error("keys: {}; they stay as they were", error.what());
    trouble_ = error.what();
    return false;
  }
}

}  // namespace synward::control
