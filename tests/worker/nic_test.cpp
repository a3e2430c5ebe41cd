// Mirrors dataplane/nic/, but for what packets go through.
#include <algorithm>
#include <array>
#include <net/if.h>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/burst.hpp"
#include "dataplane/nic/kernel_interface.hpp"
#include "dataplane/nic/port.hpp"
#include "dataplane/nic/rss.hpp"
#include "dataplane/nic/setup_error.hpp"
#include "dataplane/nic/table_memory.hpp"

namespace synward::nic {
namespace {

using testing::HasSubstr;

/// What the SetupError says that `fails` throws.
template <typename Fails>
std::string sentence_of(Fails&& fails) {
  try {
    fails();
  } catch (const SetupError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PacketPool, LeavesRoomForTheFrameAndItsSlackInWholeKibibytes) {
  const PacketPool pool{"room", 1023, longest_frame(1500)};
  EXPECT_EQ(longest_frame(1500), 1526u);
  EXPECT_EQ(rte_pktmbuf_data_room_size(pool.get()), RTE_PKTMBUF_HEADROOM + 2048 + kFrameSlack);
}

TEST(PacketPool, SaysHowMuchItAskedForAndWhatToDo) {
  const auto sentence = sentence_of([] { PacketPool("huge", 1u << 24, 2048); });
  EXPECT_THAT(sentence, HasSubstr("16777216 packets"));
  EXPECT_THAT(sentence, HasSubstr("-m MEGABYTES"));
  EXPECT_THAT(sentence_of([] { PacketPool("long", 63, longest_frame(65535)); }), HasSubstr("lower the MTU"));
}

TEST(TableMemory, IsZeroedAndAlignedEvenWhenItWasUsedBefore) {
  constexpr std::size_t kBytes = 3'000'000;
  for (int round = 0; round < 2; ++round) {
    const TableMemory memory{"connections", kBytes, -1};
    ASSERT_EQ(memory.bytes().size(), kBytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.bytes().data()) % 64, 0u);
    EXPECT_TRUE(std::ranges::all_of(memory.bytes(), [](std::byte b) { return b == std::byte{0}; })) << round;
    std::ranges::fill(memory.bytes(), std::byte{0xa5});
  }
}

TEST(TableMemory, SaysHowMuchItAskedForAndWhatToDo) {
  const auto sentence = sentence_of([] { TableMemory("16777216 connections", std::size_t{1} << 30, -1); });
  EXPECT_THAT(sentence, HasSubstr("16777216 connections"));
  EXPECT_THAT(sentence, HasSubstr("1024 MiB"));
  EXPECT_THAT(sentence, HasSubstr("raise the megabytes of -m"));
}

TEST(Port, SaysWhatToDoWhenItCannotBeOpened) {
  const PacketPool pool{"refused", 1023, 2048};
  const std::string device = "net_af_packet9,iface=synward-none";
  EXPECT_EQ(
      sentence_of([&] { Port(device, 1, pool); }),
      "port \"" + device +
          "\" cannot be opened: there is no interface \"synward-none\"; \"ip link\" lists those there are");
}

TEST(Port, SaysWhenThereAreMoreWorkersThanQueues) {
  const PacketPool pool{"few", 1023, 2048};
  EXPECT_THAT(sentence_of([&] { Port("net_null_few", 2000, pool); }), HasSubstr("use fewer workers"));
}

TEST(Port, OpensAVirtualDeviceThatEalWasNotToldOfAndClosesIt) {
  const PacketPool pool{"plugged", 4095, 2048};
  for (int round = 0; round < 2; ++round) {
    std::uint16_t id = 0;
    {
      const Port port{"net_null_plugged,size=64,no-rx=1", 2, pool};
      EXPECT_EQ(rte_eth_dev_get_port_by_name("net_null_plugged", &id), 0);
      EXPECT_EQ(port.id(), id);
      EXPECT_EQ(port.info().mtu, 1500u);
    }
    EXPECT_NE(rte_eth_dev_get_port_by_name("net_null_plugged", &id), 0);
  }
}

struct ReasonCase {
  const char* name;
  const char* device;
  const char* says;
};
class WhyItCannotOpen : public testing::TestWithParam<ReasonCase> {};

TEST_P(WhyItCannotOpen, NamesTheReasonAndWhatToDo) {
  EXPECT_THAT(why_it_cannot_open(GetParam().device), HasSubstr(GetParam().says));
}

constexpr ReasonCase kReasons[] = {
    {.name = "NoInterface",
     .device = "net_af_packet0,qpairs=2,iface=synward-no,framesz=4096",
     .says = "\"synward-no\""},
    {.name = "NoInterfaceXdp", .device = "net_af_xdp0,iface=synward-no", .says = "\"ip link\" lists"},
    {.name = "InterfaceForgotten", .device = "net_af_packet0", .says = "lacks iface=NAME"},
    {.name = "NoPciDevice", .device = "ffff:1f:1f.7", .says = "no such PCI device"},
    {.name = "Anything", .device = "net_nothing0", .says = "check its driver's name"},
};
INSTANTIATE_TEST_SUITE_P(Port, WhyItCannotOpen, testing::ValuesIn(kReasons),
                         [](const auto& test) { return std::string(test.param.name); });

/// A thread of its own gives up root, and with it every capability: the raw system call concerns only it.
TEST(WhyItCannotOpen, SaysWhichCapabilitiesAreMissing) {
  std::string reason;
  std::thread{[&] {
    constexpr int kNobody = 65534;
    if (geteuid() == 0 && syscall(SYS_setresuid, kNobody, kNobody, kNobody) != 0) return;
    reason = why_it_cannot_open("net_af_packet0,iface=lo");
  }}.join();
  EXPECT_THAT(reason, HasSubstr("CAP_NET_RAW"));
}

class RssTest : public testing::Test {
 protected:
  RssTest() {
    for (std::size_t i = 0; i < key_.size(); ++i) key_[i] = static_cast<std::uint8_t>(7 * i + 1);
    for (std::size_t i = 0; i < table_.size(); ++i) table_[i] = static_cast<std::uint16_t>(i % 3 % 2);
  }
  std::array<std::uint8_t, 40> key_;
  std::array<std::uint16_t, 128> table_;
  const Rss rss_{key_, table_};
};

TEST_F(RssTest, IsProgrammedAndReadBack) {
  const PacketPool pool{"rss", 4095, longest_frame(1500)};
  const Port port{"net_null_rss", 2, pool, 0, Port::Accept::kOwnMac, &rss_};
  EXPECT_EQ(port.rss_state(), Port::RssState::kProgrammed) << port.why_no_rss();
  std::array<std::uint8_t, 40> key{};
  rte_eth_rss_conf conf{key.data(), key.size(), 0};
  ASSERT_EQ(rte_eth_dev_rss_hash_conf_get(port.id(), &conf), 0);
  EXPECT_EQ(key, key_);
  EXPECT_NE(conf.rss_hf & RTE_ETH_RSS_NONFRAG_IPV6_TCP, 0u);
  std::array<rte_eth_rss_reta_entry64, 2> table{};
  table[0].mask = table[1].mask = ~std::uint64_t{0};
  ASSERT_EQ(rte_eth_dev_rss_reta_query(port.id(), table.data(), 128), 0);
  for (std::size_t i = 0; i < table_.size(); ++i) EXPECT_EQ(table[i / 64].reta[i % 64], table_[i]) << i;
}

TEST_F(RssTest, IsProgrammedAgainByAReset) {
  const PacketPool pool{"rss", 4095, longest_frame(1500)};
  Port port{"net_null_rss", 2, pool, 0, Port::Accept::kOwnMac, &rss_};
  std::array<rte_eth_rss_reta_entry64, 2> table{};  // all to queue 0
  table[0].mask = table[1].mask = ~std::uint64_t{0};
  ASSERT_EQ(rte_eth_dev_rss_reta_update(port.id(), table.data(), 128), 0);
  port.leave_alone();
  port.reset();
  EXPECT_EQ(port.rss_state(), Port::RssState::kProgrammed) << port.why_no_rss();
  EXPECT_NE(port.rss_check(), nullptr);
  ASSERT_EQ(rte_eth_dev_rss_reta_query(port.id(), table.data(), 128), 0);
  for (std::size_t i = 0; i < table_.size(); ++i) EXPECT_EQ(table[i / 64].reta[i % 64], table_[i]) << i;
}

TEST(Port, HasItsOwnMacAddressAfterAReset) {
  const PacketPool pool{"reset", 4095, longest_frame(1500)};
  Port port{"net_null_reset", 2, pool};
  rte_ether_addr other{{2, 0, 0, 0, 0, 9}}, mac{};  // as virtual functions get another one at each reset
  ASSERT_EQ(rte_eth_dev_default_mac_addr_set(port.id(), &other), 0);
  port.leave_alone();
  port.reset();
  ASSERT_EQ(rte_eth_macaddr_get(port.id(), &mac), 0);
  EXPECT_TRUE(
      std::equal(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), port.info().mac.bytes.begin()));
  EXPECT_FALSE(rte_is_same_ether_addr(&mac, &other));
}

TEST(Port, ComesBackByALaterResetWhenAFirstOneFails) {
  const PacketPool pool{"again", 4095, longest_frame(1500)};
  Port port{"net_null_again", 2, pool};
  port.leave_alone();
  ASSERT_EQ(rte_eal_hotplug_remove("vdev", "net_null_again"), 0);  // as far as a first one may have come
  port.reset();
  std::uint16_t id = 0;
  EXPECT_EQ(rte_eth_dev_get_port_by_name("net_null_again", &id), 0);
  EXPECT_EQ(port.id(), id);
}

TEST(Port, TellsWhatItsDriverCounts) {
  const PacketPool pool{"xstats", 4095, 2048};
  const Port port{"net_null_xstats,size=64", 1, pool};
  const auto xstats = port.xstats();
  EXPECT_TRUE(
      std::ranges::any_of(xstats, [](const auto& xstat) { return xstat.first == "rx_good_packets"; }));
}

TEST_F(RssTest, IsOfNoUseToOneQueueAndOnlyForWhoeverAsks) {
  const PacketPool pool{"rss", 4095, longest_frame(1500)};
  EXPECT_EQ((Port{"net_null_rss", 1, pool, 0, Port::Accept::kOwnMac, &rss_}.why_no_rss()),
            "there is one queue");
  EXPECT_EQ((Port{"net_null_rss", 2, pool}.why_no_rss()), "none was asked for");
  EXPECT_EQ((Port{"net_ring_rss", 1, pool}.why_no_rss()), "none was asked for");
}

TEST_F(RssTest, IsAskedOfWhateverDeviceThatHasAny) {
  constexpr std::uint64_t kTcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
  const auto why_not = [&](std::uint64_t types, std::uint8_t key_bytes, std::uint16_t entries) {
    rte_eth_dev_info device{};
    device.flow_type_rss_offloads = types;
    device.hash_key_size = key_bytes;
    device.reta_size = entries;
    rte_eth_conf config{};
    std::vector<std::uint8_t> key;
    const std::string why = ask_for_rss(device, rss_, config, key);
    EXPECT_EQ(config.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS, types != 0)
        << "whatever there is is better than one queue";
    EXPECT_EQ(config.rx_adv_conf.rss_conf.rss_hf & ~types, 0u);
    if (types != 0 && key_bytes != 16) {
      EXPECT_EQ(config.rx_adv_conf.rss_conf.rss_key_len, std::max<std::size_t>(key_bytes, 40));
      EXPECT_TRUE(std::equal(key_.begin(), key_.end(), config.rx_adv_conf.rss_conf.rss_key));
    } else {
      EXPECT_EQ(config.rx_adv_conf.rss_conf.rss_key, nullptr);
    }
    return why;
  };
  EXPECT_EQ(why_not(kTcp, 40, 128), "");
  EXPECT_EQ(why_not(kTcp | RTE_ETH_RSS_IPV6_EX, 52, 512), "");
  EXPECT_EQ(why_not(kTcp, 0, 128), "") << "it does not say";
  EXPECT_THAT(why_not(RTE_ETH_RSS_NONFRAG_IPV4_TCP, 40, 128), HasSubstr("both families"));
  EXPECT_THAT(why_not(kTcp, 16, 128), HasSubstr("16 bytes"));
  EXPECT_THAT(why_not(kTcp, 40, 64), HasSubstr("64 entries"));
  EXPECT_EQ(why_not(kTcp, 40, 0), "") << "it may say so later";
  EXPECT_THAT(why_not(0, 40, 128), HasSubstr("none"));
}

TEST(KernelMtu, IsThatOfTheInterface) {
  EXPECT_EQ(kernel_mtu(if_nametoindex("lo"), 1500), 65535u);  // 65536, as far as the type goes
  EXPECT_EQ(kernel_mtu(0, 1400), 1400u);
}

TEST(PacketRing, HoldsAFrameLessItsHeader) {
  EXPECT_EQ(packet_ring_frame("net_af_packet0,iface=eth0"), 2016u);
  EXPECT_EQ(packet_ring_frame("net_af_packet0,iface=eth0,framesz=9216,blocksz=36864"), 9184u);
  EXPECT_EQ(packet_ring_frame("net_af_packet0,iface=eth0,framesz=16"), 0u);
  EXPECT_EQ(packet_ring_frame("net_tap0,iface=x,framesz=16"), std::numeric_limits<std::size_t>::max());
}

TEST(PacketRing, HoldsSoManyFrames) {
  EXPECT_EQ(packet_ring_frames("net_af_packet0,iface=eth0,framecnt=2048", 1024), 2048u);
  EXPECT_EQ(packet_ring_frames("net_af_packet0,iface=eth0", 1024), 512u);
  EXPECT_EQ(packet_ring_frames("net_tap0,iface=x,framecnt=2048", 1024), 1024u);
}

TEST(ChecksumOffloads, AsksForChecksumsWhereOfferedButNeverOfVirtio) {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  constexpr std::uint64_t kChecksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  EXPECT_EQ(checksum_offloads("net_e1000_igb", kAll), kChecksums);
  EXPECT_EQ(checksum_offloads("net_e1000_igb", RTE_ETH_RX_OFFLOAD_TCP_CKSUM), RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
  EXPECT_EQ(checksum_offloads("net_null", 0), 0u);
  EXPECT_EQ(checksum_offloads("net_virtio_user", kAll), 0u);
}

}  // namespace
}  // namespace synward::nic
