// Mirrors dataplane/link_path.hpp.
#include "dataplane/link_path.hpp"

#include <gtest/gtest.h>

namespace synward {
namespace {

LinkPath numbered(unsigned n) {
  return {.peer = {{2, 0, 0, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)}}};
}

constexpr LinkPaths::Key kKey{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0xff51afd7ed558ccd, 1};

TEST(LinkPaths, GiveOnePlaceToOnePathAndAnotherToEveryOther) {
  LinkPaths paths{kKey};
  const LinkPath plain = numbered(1);
  LinkPath other_port = plain, tagged = plain, other_tag = plain, other_local = plain;
  other_local.local = numbered(2).peer;
  other_port.port = 1;
  tagged.tag_bytes = other_tag.tag_bytes = 4;
  tagged.tags[3] = std::byte{7};
  other_tag.tags[3] = std::byte{8};
  std::vector<LinkPaths::Index> places;
  for (const LinkPath& path : {plain, other_port, tagged, other_tag, other_local})
    places.push_back(paths.intern(path));
  EXPECT_EQ(places, (std::vector<LinkPaths::Index>{0, 1, 2, 3, 4}));
  EXPECT_EQ(paths.intern(tagged), 2);
  EXPECT_TRUE(paths[2] == tagged);
}

TEST(LinkPaths, WhenFullKnowTheOldAndRefuseTheNew) {
  LinkPaths paths{kKey};
  for (unsigned n = 0; n < LinkPaths::kCapacity; ++n) ASSERT_EQ(paths.intern(numbered(n)), n);
  EXPECT_EQ(paths.intern(numbered(LinkPaths::kCapacity)), LinkPaths::kNone);
  for (unsigned n = 0; n < LinkPaths::kCapacity; ++n) {
    ASSERT_EQ(paths.intern(numbered(n)), n);
    ASSERT_TRUE(paths[static_cast<LinkPaths::Index>(n)] == numbered(n));
  }
}

}  // namespace
}  // namespace synward
