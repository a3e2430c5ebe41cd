// Who is to be looked at, and when: clients and connections that wait for an answer, or for their turn.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

namespace synward::load {

/// Times in microseconds. Whoever is on it holds `queued_us`, the time of its one valid entry; 0: it has
/// none.
class Agenda {
 public:
  using Key = std::uint64_t;
  struct Entry {
    std::uint64_t due_us;
    Key key;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  /// It is looked at by `due_us`, or before, if that was planned already.
  void plan(Key key, std::uint64_t due_us, std::uint64_t& queued_us) {
    if (queued_us != 0 && queued_us <= due_us) return;
    queued_us = due_us;
    entries_.push({due_us, key});
  }
  /// Takes off the next one that is due. Whose `queued_us` says another time has another entry, and this one
  /// means nothing.
  std::optional<Entry> next(std::uint64_t now_us) {
    if (entries_.empty() || entries_.top().due_us > now_us) return std::nullopt;
    const Entry entry = entries_.top();
    entries_.pop();
    return entry;
  }

 private:
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
};

}  // namespace synward::load
