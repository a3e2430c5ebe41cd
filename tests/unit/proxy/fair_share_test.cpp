#include "dataplane/proxy/fair_share.hpp"

#include <gtest/gtest.h>

namespace synward::proxy {
namespace {

std::size_t take_all(FairShare& share, std::uint16_t owner) {
  std::size_t taken = 0;
  while (share.take(owner)) ++taken;
  return taken;
}

TEST(FairShare, OneAloneHasFourFifths) {
  FairShare share{1000};
  EXPECT_EQ(take_all(share, 7), 800u);
  EXPECT_EQ(share.size(), 800u);
}

TEST(FairShare, ManyThatWantAllKeepNobodyOut) {
  FairShare share{1000};
  for (std::uint16_t owner = 0; owner < 4; ++owner) EXPECT_GT(take_all(share, owner), 0u);
  EXPECT_TRUE(share.take(99));
}

TEST(FairShare, TwoThatComeAndGoTogetherHaveFourNinthsEach) {
  FairShare share{900};
  for (int n = 0; n < 900; ++n) static_cast<void>(share.take(1)), static_cast<void>(share.take(2));
  EXPECT_EQ(share.size(), 800u);
  share.give_back(1, 400);  // throws nothing away: what one gives back the other may have
  EXPECT_EQ(take_all(share, 2), 320u);
}

TEST(FairShare, IsNeverOverdrawn) {
  FairShare share{3};
  std::size_t taken = 0;
  for (std::uint16_t owner = 0; owner < 100; ++owner) taken += take_all(share, owner);
  EXPECT_EQ(taken, 3u);
  EXPECT_FALSE(share.take(200));
}

TEST(FairShare, OfNothingNobodyHasAny) {
  FairShare none{0};
  EXPECT_FALSE(none.take(0));
}

}  // namespace
}  // namespace synward::proxy
