// SYNs to many services, by the kernels of each instruction set that this CPU has, beside the stages.
#include <random>
#include <string>

#include "dataplane/handshake/segment_builder.hpp"
#include "tests/support/kernel_cases.hpp"

namespace synward::test {
namespace {

using wire::TcpFlags;

/// At an endpoint: what a backend promises is not in the service.
class ManyServices : public testing::TestWithParam<simd::Isa> {};

/// In each of five networks of each family, at each of four ports, a prefix and four addresses in it: no two
/// promise the same.
constexpr unsigned kNetworks = 5, kPorts = 4, kAddresses = 4;
template <wire::Family kFamily>
wire::Address<kFamily> address_in(unsigned network, unsigned host) {
  if constexpr (kFamily == wire::Family::kIpv4) {
    return ip4("198.18." + std::to_string(network) + "." + std::to_string(host));
  } else {
    return ip6("2001:2:0:" + std::to_string(64 + network) + "::" + std::to_string(host));
  }
}
/// Of host 0: the prefix.
service::Profile profile_of(unsigned network, unsigned port, unsigned host) {
  const unsigned n = (network * kPorts + port) * (kAddresses + 1) + host;
  return {.mss = static_cast<std::uint16_t>(1000 + n),
          .window = 2000 + n,
          .window_scale = static_cast<std::uint8_t>(n % 15),
          .sack = n % 2 == 0,
          .timestamps = n % 3 == 0};
}
template <wire::Family kFamily>
void add_networks(std::vector<service::Service>& services) {
  constexpr bool kIpv4 = kFamily == wire::Family::kIpv4;
  for (unsigned network = 0; network < kNetworks; ++network) {
    for (unsigned port = 0; port < kPorts; ++port) {
      for (unsigned host = 0; host <= kAddresses; ++host)
        services.push_back({.name = "",
                            .address = address_in<kFamily>(network, host),
                            .prefix_bits = host == 0 ? (kIpv4 ? std::uint8_t{24} : std::uint8_t{64})
                                                     : (kIpv4 ? std::uint8_t{32} : std::uint8_t{128}),
                            .port = wire::Port{static_cast<std::uint16_t>(kServicePort + port)},
                            .profile = profile_of(network, port, host)});
    }
  }
}
template <wire::Family kFamily>
void expect_promised(const Bytes& syn_ack, const service::Profile& profile) {
  const auto received = handshake::parse_frame<kFamily>(syn_ack);
  ASSERT_TRUE(received);
  const auto& [mss, window_scale, sack_permitted, timestamps] = received->segment.options;
  EXPECT_EQ(mss, profile.mss);
  EXPECT_EQ(received->segment.window, profile.window);
  EXPECT_EQ(window_scale, profile.window_scale);
  EXPECT_EQ(sack_permitted, profile.sack);
  EXPECT_EQ(timestamps.has_value(), profile.timestamps);
}

/// Every SYN of a burst is for another service at random, or for none.
TEST_P(ManyServices, EachPromiseWhatTheyPromise) {
  std::vector<service::Service> services;
  add_networks<wire::Family::kIpv4>(services);
  add_networks<wire::Family::kIpv6>(services);
  LabPair pair{GetParam(), services, PipelineLab::Mode::kEndpoint};
  std::mt19937 random{33};
  for (int bursts = 0; bursts < 100; ++bursts) {
    struct Wanted {
      bool is_ipv4;
      unsigned network, port, host;
    };
    std::vector<Wanted> wanted;
    std::vector<Bytes> frames;
    while (frames.size() < kBurstMax) {
      const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
      const auto& to = wanted.emplace_back(
          Wanted{below(2) == 0, below(kNetworks), below(kPorts + 1), below(2 * kAddresses)});
      FrameBuilder built;
      to.is_ipv4 ? built.ipv4(kClient4, address_in<wire::Family::kIpv4>(to.network, to.host))
                 : built.ipv6(kClient6, address_in<wire::Family::kIpv6>(to.network, to.host));
      frames.push_back(built.tcp(40'000, static_cast<std::uint16_t>(kServicePort + to.port), TcpFlags::kSyn)
                           .tcp_options(syn_options(SynLayout::kLinux, {}))
                           .build());
    }
    std::vector<Outcome> outcomes;
    expect_same(pair, frames, 0, &outcomes);
    for (std::size_t i = 0; i < frames.size() && !HasFatalFailure(); ++i) {
      const auto& [is_ipv4, network, port, host] = wanted[i];
      if (port == kPorts) {
        EXPECT_EQ(outcomes[i].reason, Drop::kNoService);
        continue;
      }
      const auto profile = profile_of(network, port, host <= kAddresses ? host : 0);
      is_ipv4 ? expect_promised<wire::Family::kIpv4>(outcomes[i].frame, profile)
              : expect_promised<wire::Family::kIpv6>(outcomes[i].frame, profile);
    }
    if (HasFatalFailure()) return;
  }
  const auto seen = read(pair.fast.core.counters);
  EXPECT_GT(seen[Route::kCommonSyn4] + seen[Route::kCommonSyn6], 100 * kBurstMax * 3 / 4) << "by the kernels";
}

/// All of a full burst but one, whichever, are for one service: the ServiceIds differ in either byte.
TEST_P(ManyServices, AreToldApartInEachLaneOfAFullBurst) {
  constexpr std::uint16_t kServices = 600;
  std::vector<service::Service> services;
  for (std::uint16_t n = 0; n < kServices; ++n)
    services.push_back({.name = "",
                        .address = kService4,
                        .port = wire::Port{static_cast<std::uint16_t>(kServicePort + n)},
                        .profile = {.mss = static_cast<std::uint16_t>(536 + n)}});
  const auto syn_to = [](unsigned service) {
    return FrameBuilder{}
        .ipv4(kClient4, kService4)
        .tcp(40'000, static_cast<std::uint16_t>(kServicePort + service), TcpFlags::kSyn)
        .tcp_options(syn_options(SynLayout::kLinux, {}))
        .build();
  };
  LabPair pair{GetParam(), services, PipelineLab::Mode::kEndpoint};
  for (const auto& [most, one] : {std::pair{0u, 1u}, {7u, 7u + 256}, {512u, 256u}}) {
    for (std::size_t lane = 0; lane < kBurstMax; ++lane) {
      std::vector<Bytes> frames(kBurstMax, syn_to(most));
      frames[lane] = syn_to(one);
      expect_same(pair, frames);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(ManyServices, EachAreCounted) {
  constexpr std::uint16_t kServices = 300;
  std::vector<service::Service> services;
  for (std::uint16_t n = 0; n < kServices; ++n)
    services.push_back(
        {.name = "", .address = kService4, .port = wire::Port{static_cast<std::uint16_t>(kServicePort + n)}});
  LabPair pair{GetParam(), services, PipelineLab::Mode::kEndpoint};
  std::mt19937 random{35};
  std::vector<std::uint64_t> expected(kServices);
  for (int bursts = 0; bursts < 60; ++bursts) {
    std::vector<Bytes> frames;
    const bool full = bursts % 2 == 0, of_one = bursts % 3 == 0;
    const std::size_t lanes = full ? kBurstMax : 1 + random() % kBurstMax;
    for (std::size_t service = random() % kServices; frames.size() < lanes;) {
      if (!of_one && random() % 3 == 0) service = random() % kServices;  // runs of some
      ++expected[service];
      frames.push_back(FrameBuilder{}
                           .ipv4(kClient4, kService4)
                           .tcp(40'000, static_cast<std::uint16_t>(kServicePort + service), TcpFlags::kSyn)
                           .tcp_options(syn_options(SynLayout::kLinux, {}))
                           .build());
    }
    expect_same(pair, frames);
    if (HasFatalFailure()) return;
  }
  for (const PipelineLab* lab : {&pair.fast, &pair.reference}) {
    for (std::size_t n = 0; n < kServices; ++n)
      EXPECT_EQ(lab->core.of_services[n].syns.read(), expected[n]) << n;
  }
}

/// The hint and the promises are those of the services that there are.
TEST_P(ManyServices, OfANewTableCountFromTheNextBurstOn) {
  const auto service = [](const char* address, std::uint16_t mss) {
    return service::Service{
        .name = "", .address = ip4(address), .port = wire::Port{kServicePort}, .profile = {.mss = mss}};
  };
  const Policy next{service::ServiceTable{{service("198.18.7.1", 1111), service("198.18.7.2", 1222)}}};
  LabPair pair{
      GetParam(), {service("198.18.7.2", 1000), service("198.18.7.3", 1001)}, PipelineLab::Mode::kEndpoint};
  const auto syn_to = [](const char* address) {
    return FrameBuilder{}
        .ipv4(kClient4, ip4(address))
        .tcp(40'000, kServicePort, TcpFlags::kSyn)
        .tcp_options(syn_options(SynLayout::kLinux, {}))
        .build();
  };
  const auto mss_for = [&](const char* address) {
    std::vector<Outcome> outcomes;
    expect_same(pair, {syn_to(address)}, 0, &outcomes);
    const auto answer = handshake::parse_frame<wire::Family::kIpv4>(outcomes.front().frame);
    return answer ? answer->segment.options.mss.value_or(0) : 0;
  };
  EXPECT_EQ(mss_for("198.18.7.2"), 1000);
  for (PipelineLab* lab : {&pair.fast, &pair.reference}) lab->core.serve(next);
  EXPECT_EQ(mss_for("198.18.7.2"), 1222) << "now the second";
  EXPECT_EQ(mss_for("198.18.7.1"), 1111);
  std::vector<Outcome> outcomes;
  expect_same(pair, {syn_to("198.18.7.3")}, 0, &outcomes);
  EXPECT_EQ(outcomes.front().reason, Drop::kNoService);
}

INSTANTIATE_TEST_SUITE_P(OfEachIsa, ManyServices, testing::ValuesIn(kernel_isas()),
                         [](const auto& param) { return std::string{simd::name_of(param.param)}; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ManyServices);  // a CPU without any

}  // namespace
}  // namespace synward::test
