// A bump in the wire: what came corrupt, and where it would otherwise have an effect.
#include "tests/support/lab_backend.hpp"

namespace synward::test {
namespace {

using table::ConnectionPhase;

using Corrupt = ProxyTest<FamilyType<wire::Family::kIpv4>>;

TEST_F(Corrupt, AnRstWithAWrongIpChecksumDoesNotEndAHandshakeWithTheBackend) {
  promote();
  FrameBuilder rst = client.segment(wire::TcpFlags::kRst);
  EXPECT_EQ(lab.run(rst.wrong_ip_checksum().build()).reason, Drop::kBadIpv4Checksum);
  EXPECT_EQ(client.phase(), ConnectionPhase::kUnfinished);
  EXPECT_EQ(counted(Event::kResetByClient), 0u);
}

}  // namespace
}  // namespace synward::test
