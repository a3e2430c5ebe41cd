// Mirrors bench/load/trial/neighbors.hpp.
#include "bench/load/trial/neighbors.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward::load {
namespace {

using test::mac;

const wire::MacAddress kOurs = mac("02:00:00:00:00:01"), kTheirs = mac("02:00:00:00:00:0a");

struct Pair {
  IpAddress asked, asker;
};
std::vector<Pair> pairs() {
  return {{Target::parse("198.18.0.10:1").address(), Target::parse("198.18.64.1:1").address()},
          {Target::parse("[2001:2::10]:1").address(), Target::parse("[2001:2:0:4000::1]:1").address()}};
}
std::vector<std::byte> question(const Pair& pair) {
  std::array<std::byte, kMaxNeighborBytes> room;
  const auto frame = ask_for(pair.asked, pair.asker, kOurs, room);
  return {frame.begin(), frame.end()};
}
std::vector<std::byte> answer(std::span<const std::byte> to) {
  std::array<std::byte, kMaxNeighborBytes> room;
  const auto frame = answer_for(to, kTheirs, room);
  return {frame.begin(), frame.end()};
}

TEST(Neighbors, AQuestionAsksForTheAddress) {
  for (const Pair& pair : pairs()) {
    EXPECT_EQ(asked_for(question(pair)), pair.asked);
    EXPECT_EQ(told_by(question(pair), pair.asked), std::nullopt);
  }
}

TEST(Neighbors, AnAnswerTellsTheMacAddressToWhoAsked) {
  for (const Pair& pair : pairs()) {
    const auto frame = answer(question(pair));
    EXPECT_EQ(told_by(frame, pair.asked), kTheirs);
    EXPECT_EQ(told_by(frame, pair.asker), std::nullopt);
    EXPECT_EQ(asked_for(frame), std::nullopt);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(std::to_integer<int>(frame[i]), kOurs.bytes[i]);
  }
}

TEST(Neighbors, WhatIsCutOffOrCorruptSaysNothing) {
  for (const Pair& pair : pairs()) {
    for (const auto& whole : {question(pair), answer(question(pair))}) {
      for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
        EXPECT_EQ(asked_for(cut), std::nullopt) << bytes;
        EXPECT_EQ(told_by(cut, pair.asked), std::nullopt) << bytes;
      }
    }
  }
  auto corrupt = answer(question(pairs()[1]));
  corrupt.back() ^= std::byte{1};
  EXPECT_EQ(told_by(corrupt, pairs()[1].asked), std::nullopt);
}

}  // namespace
}  // namespace synward::load
