// The accept queue (RFC 9293 3.10.1; listen(2)): connections that are open and wait for their application.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "dataplane/table/flow_key.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::accept {

/// One core's, first in, first out. It holds keys: connections move, and may end while they wait.
class AcceptQueue {
 public:
  using Key = std::variant<table::FlowKey<wire::Family::kIpv4>, table::FlowKey<wire::Family::kIpv6>>;

  /// Allocates room for `backlog` connections, at least one.
  explicit AcceptQueue(std::size_t backlog) : ring_(backlog) {}

  [[nodiscard]] bool full() const { return size_ == ring_.size(); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Not when it is full.
  template <wire::Family kFamily>
  void push(const table::FlowKey<kFamily>& key) {
    // Made in its place: a Key made elsewhere would be copied in other pieces than it had just been stored
    // in, and so wait for all stores before.
    ring_[wrapped(first_ + size_++)].template emplace<table::FlowKey<kFamily>>(key);
  }
  /// Not when it is empty.
  [[nodiscard]] Key pop() {
    const Key key = ring_[first_];
    // Where the last one was taken the next begins: while the application keeps up, the queue is a few cache
    // lines and not all of its memory in turn.
    first_ = --size_ == 0 ? 0 : wrapped(first_ + 1);
    return key;
  }

 private:
  /// `at`, which went round at most once. No division: that of 64 bits takes as long as a small miss.
  [[nodiscard]] std::size_t wrapped(std::size_t at) const {
    return at < ring_.size() ? at : at - ring_.size();
  }
  std::vector<Key> ring_;
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace synward::accept
