// Mirrors dataplane/wire/view.hpp.
#include "dataplane/wire/view.hpp"

#include <gtest/gtest.h>

#include "dataplane/wire/big_endian.hpp"
#include "tests/support/bytes.hpp"

namespace synward::wire {
namespace {

TEST(ViewAs, NeedsEveryByteOfTheHeader) {
  const auto bytes = test::bytes_of({1, 2, 3, 4});
  const auto* whole = view_as<BigEndian32>(bytes);
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(whole->host(), 0x01020304u);
  EXPECT_EQ(view_as<BigEndian32>(std::span{bytes}.subspan(1)), nullptr);
  EXPECT_EQ(view_as<BigEndian16>({}), nullptr);
}

TEST(Overlay, WritesThroughAtAnyAddress) {
  test::Bytes bytes(5, std::byte{0xa5});
  overlay<BigEndian32>(bytes.data() + 1) = BigEndian32{0x01020304u};
  EXPECT_EQ(bytes, test::bytes_of({0xa5, 1, 2, 3, 4}));
}

static_assert(!WireLayout<std::uint16_t>, "an integer has an alignment and a byte order of the machine");

}  // namespace
}  // namespace synward::wire
