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
  void push(const Key& key) { ring_[(first_ + size_++) % ring_.size()] = key; }
  /// Not when it is empty.
  [[nodiscard]] Key pop() {
    const Key key = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --size_;
    return key;
  }

 private:
  std::vector<Key> ring_;
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace synward::accept
