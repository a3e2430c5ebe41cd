// Mirrors dataplane/accept/accept_queue.hpp.
#include "dataplane/accept/accept_queue.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward::accept {
namespace {

using test::ip4;
using test::ip6;
using wire::Family;
using wire::Port;

AcceptQueue::Key key4(std::uint16_t port) {
  return table::FlowKey<Family::kIpv4>{ip4("198.19.0.1"), ip4("198.18.0.10"), Port{port}, Port{443}};
}
AcceptQueue::Key key6(std::uint16_t port) {
  return table::FlowKey<Family::kIpv6>{ip6("2001:2::1"), ip6("2001:2::10"), Port{port}, Port{443}};
}

TEST(AcceptQueue, GivesBackInOrderHoweverOftenItGoesRound) {
  AcceptQueue queue{3};
  std::deque<AcceptQueue::Key> expected;
  std::uint16_t port = 0;
  for (int round = 0; round < 50; ++round) {
    for (; !queue.full(); ++port) {
      expected.push_back(port % 2 == 0 ? key4(port) : key6(port));
      std::visit([&queue](const auto& key) { queue.push(key); }, expected.back());
    }
    EXPECT_EQ(queue.size(), 3u);
    for (int n = 0; n <= round % 3; ++n) {
      EXPECT_TRUE(queue.pop() == expected.front());
      expected.pop_front();
    }
    EXPECT_EQ(queue.size(), expected.size());
  }
}

TEST(AcceptQueue, OfOneIsEmptyOrFull) {
  AcceptQueue queue{1};
  EXPECT_TRUE(queue.empty());
  queue.push(std::get<0>(key4(7)));
  EXPECT_TRUE(queue.full());
  EXPECT_TRUE(queue.pop() == key4(7));
  EXPECT_TRUE(queue.empty() && !queue.full());
}

}  // namespace
}  // namespace synward::accept
