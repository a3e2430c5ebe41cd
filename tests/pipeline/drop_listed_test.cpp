// Clients on the drop list: nothing of theirs is answered or passes to a service, and nobody else loses
// anything.
#include <random>

#include "dataplane/wire/ip_protocol.hpp"
#include "tests/support/kernel_cases.hpp"
#include "tests/support/lab_client.hpp"

namespace synward::test {
namespace {

using wire::Family;
using wire::TcpFlags;

/// The clients of every lab, and nobody beside them.
const service::DropList kClients{{{kClient4, 32}, {kClient6, 128}}};
const wire::Ipv4Address kBeside4 = ip4("198.19.1.3");
const wire::Ipv6Address kBeside6 = ip6("2001:2:0:1::3");

template <Family kFamily>
FrameBuilder from(bool listed) {
  FrameBuilder built;
  if constexpr (kFamily == Family::kIpv4) {
    built.ipv4(listed ? kClient4 : kBeside4, kService4);
  } else {
    built.ipv6(listed ? kClient6 : kBeside6, kService6);
  }
  return built;
}
template <Family kFamily>
FrameBuilder segment(bool listed, int flags) {
  return from<kFamily>(listed).tcp(40'000, kServicePort, static_cast<std::uint8_t>(flags));
}

struct SentCase {
  std::string name;
  Bytes (*frame)(bool listed);
};
/// Everything that an endpoint would answer, or judge by a cookie or a connection.
template <Family kFamily>
std::vector<SentCase> cases(const std::string& ending) {
  return {
      {"CommonSyn" + ending,
       [](bool listed) {
         return segment<kFamily>(listed, TcpFlags::kSyn).tcp_options(kLinuxOptions).build();
       }},
      {"SynWithoutOptions" + ending,
       [](bool listed) { return segment<kFamily>(listed, TcpFlags::kSyn).build(); }},
      {"SynWithText" + ending,
       [](bool listed) { return segment<kFamily>(listed, TcpFlags::kSyn).payload("early").build(); }},
      {"TaggedSyn" + ending,
       [](bool listed) {
         return segment<kFamily>(listed, TcpFlags::kSyn).vlan(7).tcp_options(kLinuxOptions).build();
       }},
      {"SynOfAWrongChecksum" + ending,
       [](bool listed) { return segment<kFamily>(listed, TcpFlags::kSyn).wrong_checksum().build(); }},
      {"Ack" + ending, [](bool listed) { return segment<kFamily>(listed, TcpFlags::kAck).build(); }},
      {"Text" + ending,
       [](bool listed) { return segment<kFamily>(listed, TcpFlags::kAck).payload("hello").build(); }},
      {"Fin" + ending,
       [](bool listed) { return segment<kFamily>(listed, TcpFlags::kFin | TcpFlags::kAck).build(); }},
      {"Rst" + ending, [](bool listed) { return segment<kFamily>(listed, TcpFlags::kRst).build(); }},
      {"Ping" + ending,
       [](bool listed) { return from<kFamily>(listed).echo_request(1, 2).payload("ping").build(); }},
  };
}
std::vector<SentCase> all_cases() {
  auto all = cases<Family::kIpv4>("OverIpv4");
  for (auto& another : cases<Family::kIpv6>("OverIpv6")) all.push_back(std::move(another));
  return all;
}

class DropListed : public testing::TestWithParam<SentCase> {};

TEST_P(DropListed, EndsAtAnEndpointAndWhatIsBesideMeetsItsOwnVerdict) {
  const Bytes listed = GetParam().frame(true), beside = GetParam().frame(false);
  for (const simd::Kernels* kernels :
       {simd::kernels_of(simd::best_isa(512)), simd::kernels_of(simd::Isa::kScalar)}) {
    PipelineLab lab, without;
    lab.core.kernels = without.core.kernels = kernels;
    lab.core.drop_list = &kClients;
    EXPECT_EQ(lab.run(listed).reason, Drop::kDropList);
    EXPECT_TRUE(lab.take_originated().empty());
    EXPECT_EQ(difference(lab.run(beside), without.run(beside)), "");
    EXPECT_NE(without.run(listed).reason, Drop::kDropList) << "without a list nobody is";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, DropListed, testing::ValuesIn(all_cases()),
                         [](const auto& param) { return param.param.name; });

template <typename FamilyConstant>
class DropListOf : public testing::Test {};
using Families = testing::Types<std::integral_constant<Family, Family::kIpv4>,
                                std::integral_constant<Family, Family::kIpv6>>;
TYPED_TEST_SUITE(DropListOf, Families);

/// Who is listed later has nothing more to say on the connections that there are.
TYPED_TEST(DropListOf, EndsTheSegmentsOfOpenConnectionsToo) {
  constexpr Family kFamily = TypeParam::value;
  PipelineLab lab;
  LabClient<kFamily> client{lab};
  client.open();
  lab.core.drop_list = &kClients;
  for (const Bytes& sent : {client.text("hello"), client.ack(), client.fin(), client.rst()})
    EXPECT_EQ(lab.run(sent).reason, Drop::kDropList);
  EXPECT_TRUE(client.phase().has_value()) << "a spoofed segment of a listed client ends no connection";
}

/// The inverse as well: a valid cookie opens nothing once its client is listed.
TYPED_TEST(DropListOf, KeepsTheAckOfAValidCookieOut) {
  PipelineLab lab;
  LabClient<TypeParam::value> client{lab};
  client.ask();
  lab.core.drop_list = &kClients;
  EXPECT_EQ(lab.run(client.ack()).reason, Drop::kDropList);
  EXPECT_FALSE(client.phase().has_value());
}

/// In a wire only what concerns a service: everything else passes, whoever sends it.
TYPED_TEST(DropListOf, OfAWireConcernsOnlyWhatGoesToServices) {
  constexpr Family kFamily = TypeParam::value;
  PipelineLab lab{PipelineLab::Mode::kInline};
  lab.core.drop_list = &kClients;
  for (const auto flags : {TcpFlags::kSyn, TcpFlags::kAck, TcpFlags::kRst})
    EXPECT_EQ(lab.run(segment<kFamily>(true, flags).build()).reason, Drop::kDropList);
  EXPECT_EQ(lab.run(segment<kFamily>(false, TcpFlags::kSyn).build()).verdict, Route::kSend);
  const Bytes others[] = {from<kFamily>(true).tcp(40'000, kServicePort + 1, TcpFlags::kSyn).build(),
                          from<kFamily>(true).protocol(wire::IpProtocol::kUdp).build(),
                          from<kFamily>(true).echo_request(1, 2).payload("ping").build()};
  for (const Bytes& other : others) EXPECT_EQ(lab.run(other).verdict, Route::kForward);
  const service::DropList services{{{kService4, 32}, {kService6, 128}}};
  lab.core.drop_list = &services;
  EXPECT_EQ(lab.run(segment<kFamily>(true, TcpFlags::kSyn).build()).verdict, Route::kSend)
      << "it lists sources, not destinations";
}

/// What comes from the inside is a service's, whoever is listed.
TYPED_TEST(DropListOf, DoesNotConcernBackends) {
  constexpr Family kFamily = TypeParam::value;
  const service::DropList services{{{kService4, 32}, {kService6, 128}}};
  PipelineLab lab{PipelineLab::Mode::kInline}, without{PipelineLab::Mode::kInline};
  lab.core.drop_list = &services;
  for (const int flags : {TcpFlags::kSyn | TcpFlags::kAck, TcpFlags::kAck + 0, TcpFlags::kRst + 0}) {
    FrameBuilder built;
    if constexpr (kFamily == Family::kIpv4) {
      built.ipv4(kService4, kClient4);
    } else {
      built.ipv6(kService6, kClient6);
    }
    const Bytes frame = built.tcp(kServicePort, 40'000, static_cast<std::uint8_t>(flags)).build();
    EXPECT_EQ(difference(lab.run_inside(frame), without.run_inside(frame)), "");
  }
}

/// A segment that another core received.
TYPED_TEST(DropListOf, CountsAtTheCoreThatOwnsTheFlow) {
  PipelineLab lab;
  lab.core.drop_list = &kClients;
  const Bytes ack = segment<TypeParam::value>(true, TcpFlags::kAck).build();
  EXPECT_EQ(lab.run({ack}, true).front().reason, Drop::kDropList);
}

/// Beside the stages: random clients of listed networks and of others, any segment, any mixture.
class DropListWithKernels : public testing::TestWithParam<KernelCase> {};

TEST_P(DropListWithKernels, EndsWhatTheStagesEnd) {
  const service::DropList list{
      {{ip4("198.19.0.0"), 18}, {ip4("198.19.128.77"), 32}, {ip6("2001:2:0:2::"), 63}}};
  LabPair pair{GetParam().isa, PipelineLab::default_services(), GetParam().mode};
  pair.fast.core.drop_list = pair.reference.core.drop_list = &list;
  std::mt19937 random{11};
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::size_t ended = 0, sent = 0;
  for (int bursts = 0; bursts < 50; ++bursts) {
    pair.let_none_pass();
    std::vector<Bytes> frames;
    std::vector<bool> listed;
    for (const std::size_t size = 1 + below(kBurstMax); frames.size() < size;) {
      FrameBuilder built;
      if (below(2) == 0) {
        const bool is_listed = below(2) == 0;
        listed.push_back(is_listed);
        const auto third = is_listed ? below(64) : 64 + below(64);
        built.ipv4(ip4("198.19." + std::to_string(third) + "." + std::to_string(below(256))), kService4);
      } else {
        const auto fourth = below(4);
        listed.push_back(fourth == 2 || fourth == 3);
        built.ipv6(ip6("2001:2:0:" + std::to_string(fourth) + "::" + std::to_string(1 + below(9999))),
                   kService6);
      }
      if (below(4) == 0) built.vlan(3);
      const std::uint8_t flags[] = {TcpFlags::kSyn, TcpFlags::kSyn, TcpFlags::kAck, TcpFlags::kRst};
      built.tcp(static_cast<std::uint16_t>(1024 + below(60'000)), kServicePort, flags[below(4)]);
      if (below(2) == 0) built.tcp_options(kLinuxOptions);
      frames.push_back(built.build());
    }
    std::vector<Outcome> outcomes;
    expect_same(pair, frames, 0, &outcomes);
    for (std::size_t i = 0; i < frames.size() && !HasFatalFailure(); ++i) {
      EXPECT_EQ(outcomes[i].reason == Drop::kDropList, listed[i]) << hex(frames[i]);
      ended += listed[i] ? 1u : 0u;
    }
    sent += frames.size();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(ended, sent / 3);
}

INSTANTIATE_TEST_SUITE_P(OfEachIsa, DropListWithKernels, testing::ValuesIn(kernel_cases()), name_of_case);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DropListWithKernels);  // a CPU without any

}  // namespace
}  // namespace synward::test
