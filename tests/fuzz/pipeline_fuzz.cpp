// Bursts through the whole pipeline: every frame gets one verdict, counters and connections balance, nothing
// is written that is not the pipeline's, and what leaves is intact.
//
// The input is a program. It makes frames, right in all that it does not ask to be wrong, so that they pass
// the gates; it knows what the SYN-ACKs said, so that cookies come back; it lets time pass. Frames of raw
// bytes are among them as well.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fuzzer/FuzzedDataProvider.h>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/handshake/segment_builder.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::fuzz {
namespace {

using test::Bytes;
using test::FrameBuilder;
using test::PipelineLab;
using wire::Family;
using Flags = wire::TcpFlags;

/// A client's own view of its connection; the program may lie about it in each segment.
struct Client {
  std::uint32_t isn, next, service_next = 0, tsval = 100, tsecr = 0;
  bool timestamps = false;
};

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : input_{data, size} {
    for (std::uint32_t c = 0; c < kClients; ++c) {
      clients_[c].isn = 0xffff'fff0u + c;
      clients_[c].next = clients_[c].isn + 1;
    }
  }
  void run() {
    for (int steps = 0; input_.remaining_bytes() > 0 && steps < 200; ++steps) step();
    end_burst();
  }

 private:
  static constexpr std::uint32_t kClients = 4;  // two of each family
  enum class Step { kEndBurst, kSyn, kText, kSegment, kAsk, kRaw, kTime, kMaxValue = kTime };

  void step() {
    switch (input_.ConsumeEnum<Step>()) {
      case Step::kSyn:
        return add(syn());
      case Step::kText:
        return add(text());
      case Step::kSegment:
        return add(segment());
      case Step::kAsk:
        return add(ask());
      case Step::kRaw:
        return add(some(256));
      case Step::kEndBurst:
        return end_burst();
      case Step::kTime:
        return let_time_pass();
    }
  }
  void add(Bytes frame) {
    if (one_in(16)) spoil(frame);
    frame.shrink_to_fit();
    burst_.push_back(std::move(frame));
    if (burst_.size() == kBurstMax) end_burst();
  }
  void spoil(Bytes& frame) {
    if (frame.empty()) return;
    const auto at = input_.ConsumeIntegralInRange<std::size_t>(0, frame.size() - 1);
    if (input_.ConsumeBool()) return frame.resize(at);
    frame[at] ^= std::byte{input_.ConsumeIntegral<std::uint8_t>()};
  }

  /// Zeros, which follow where the input ends, say no.
  bool one_in(std::uint8_t n) { return input_.ConsumeIntegralInRange<std::uint8_t>(0, n - 1) == n - 1; }
  [[nodiscard]] std::uint32_t pick() { return input_.ConsumeIntegralInRange<std::uint32_t>(0, kClients - 1); }
  static bool is_ipv4(std::uint32_t client) { return client % 2 == 0; }
  static std::uint16_t port_of(std::uint32_t client) { return static_cast<std::uint16_t>(40000 + client); }

  /// From `client` to its service; now and then with tags, options, extensions, another port.
  FrameBuilder frame(std::uint32_t client, std::uint8_t flags) {
    FrameBuilder built;
    if (is_ipv4(client)) {
      built.ipv4(test::kClient4, test::kService4);
    } else {
      built.ipv6(test::kClient6, test::kService6);
    }
    built.tcp(port_of(client), one_in(32) ? std::uint16_t{80} : test::kServicePort, flags);
    if (!one_in(4)) return built;
    const auto odd = input_.ConsumeIntegral<std::uint8_t>();
    if ((odd & 1) != 0) built.vlan(7);
    if ((odd & 2) != 0) built.vlan(8, wire::EtherType::kQinQ);
    if ((odd & 4) != 0) built.pad_to(test::kShortestFrame);
    if ((odd & 8) != 0) built.traffic_class(3);
    if ((odd & 16) == 0) return built;
    return is_ipv4(client) ? built.ip_options(Bytes(4, std::byte{1}))
                           : built.extension(wire::IpProtocol::kHopByHopOptions);
  }
  Bytes some(std::size_t most) {
    return input_.ConsumeBytes<std::byte>(input_.ConsumeIntegralInRange<std::size_t>(0, most));
  }

  Bytes syn() {
    const std::uint32_t c = pick();
    Client& client = clients_[c];
    if (one_in(4)) client.isn = input_.ConsumeIntegral<std::uint32_t>();
    client.next = client.isn + 1;
    FrameBuilder built = frame(c, Flags::kSyn);
    built.seq(client.isn).ack(0);
    const auto asked = input_.ConsumeIntegral<std::uint8_t>();
    client.timestamps = (asked & 1) != 0;
    if ((asked & 0x80) != 0) return built.tcp_options(some(40)).build();
    wire::SynOptions options;
    if (client.timestamps) options.timestamps = wire::TcpTimestamps{client.tsval, 0};
    if ((asked & 2) != 0) options.mss = static_cast<std::uint16_t>(48 + 16 * asked);
    if ((asked & 4) != 0) options.window_scale = asked >> 4;
    options.sack_permitted = (asked & 8) != 0;
    return built.tcp_options(options).build();
  }
  /// What a well-behaved client sends.
  Bytes text() {
    const std::uint32_t c = pick();
    Client& client = clients_[c];
    constexpr std::array<std::uint8_t, 4> kUsual{Flags::kAck, Flags::kAck | Flags::kPsh,
                                                 Flags::kAck | Flags::kFin, Flags::kRst};
    const std::uint8_t flags = input_.PickValueInArray(kUsual);
    FrameBuilder built = frame(c, flags);
    built.seq(client.next).ack(client.service_next);
    if (client.timestamps) built.tcp_options(wire::TcpTimestamps{++client.tsval, client.tsecr});
    const auto bytes = input_.ConsumeIntegralInRange<std::size_t>(0, 64);
    if (!one_in(4)) client.next += static_cast<std::uint32_t>(bytes + ((flags & Flags::kFin) != 0 ? 1 : 0));
    return built.payload(Bytes(bytes, std::byte{'t'})).build();
  }
  /// What anybody may send.
  Bytes segment() {
    const std::uint32_t c = pick();
    const Client& client = clients_[c];
    const auto near = [this] { return static_cast<std::uint32_t>(input_.ConsumeIntegral<std::int8_t>()); };
    FrameBuilder built = frame(c, input_.ConsumeIntegral<std::uint8_t>());
    built.seq(client.next + near()).ack(client.service_next + near());
    if (input_.ConsumeBool()) {
      built.tcp_options(wire::TcpTimestamps{client.tsval + near(), client.tsecr});
    } else {
      built.tcp_options(some(40));
    }
    return built.payload(some(64)).build();
  }
  /// ARP, neighbour discovery, ping.
  Bytes ask() {
    const std::uint32_t c = pick();
    if (input_.ConsumeBool()) {
      FrameBuilder built;
      if (is_ipv4(c)) {
        built.ipv4(test::kClient4, test::kService4);
      } else {
        built.ipv6(test::kClient6, test::kService6);
      }
      return built.echo_request(1, 2).payload(some(64)).build();
    }
    return is_ipv4(c) ? FrameBuilder{}.arp_request(test::kClient4, test::kService4).build()
                      : FrameBuilder{}.neighbor_solicitation(test::kClient6, test::kService6).build();
  }

  void end_burst() {
    lab_.nic_verdict = one_in(16) ? RxChecksum::kGood : RxChecksum::kUnknown;
    const std::vector<Bytes> sent = std::exchange(burst_, {});
    const auto outcomes = lab_.run(sent);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (outcomes[i].verdict != Route::kSend) continue;
      EXPECT_LE(outcomes[i].frame.size(), std::max(sent[i].size() + kReplyGrowth, test::kShortestFrame));
      hear<Family::kIpv4>(outcomes[i].frame);
      hear<Family::kIpv6>(outcomes[i].frame);
    }
  }
  /// What a client learns of a segment that synward sent; it must be intact, and come from the service.
  template <Family kFamily>
  void hear(const Bytes& frame) {
    const auto link = wire::parse_ethernet(frame);
    const auto type = kFamily == Family::kIpv4 ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6;
    if (!link || link->ether_type != static_cast<std::uint16_t>(type)) return;
    const auto packet = std::span{frame}.subspan(link->network_offset);
    const std::size_t protocol_at = kFamily == Family::kIpv4 ? 9 : 6;
    if (packet[protocol_at] != std::byte{wire::IpProtocol::kTcp}) return;  // an echo, an advertisement
    const auto received = handshake::parse_frame<kFamily>(frame);
    ASSERT_TRUE(received.has_value()) << "synward sent a segment that is not intact";
    const auto& [path, said, text] = *received;
    EXPECT_TRUE(text.empty());
    const std::uint32_t c = path.tuple.local_port.host() - 40000u;
    if (c >= kClients) return;  // the program spoiled the port
    Client& client = clients_[c];
    if (said.has(Flags::kSyn)) {
      client.service_next = said.seq.value() + 1;
      if (said.options.timestamps) client.tsecr = said.options.timestamps->tsval;
    } else if (said.has(Flags::kFin)) {
      client.service_next = said.seq.value() + 1;
    }
  }
  void let_time_pass() {
    end_burst();
    constexpr std::array<std::uint64_t, 6> kSteps{1, 300, 600, 2'000, 70'000, 7'500'000};
    const std::uint64_t ms = input_.PickValueInArray(kSteps);
    for (const Bytes& frame : lab_.pass(ms, std::max<std::uint64_t>(200, ms / 2))) {
      hear<Family::kIpv4>(frame);
      hear<Family::kIpv6>(frame);
    }
  }

  static std::vector<service::Service> services() {
    auto made = PipelineLab::default_services();
    made[1].close_after_ms = 5'000;
    return made;
  }

  FuzzedDataProvider input_;
  PipelineLab lab_{services(), 1, 2};
  std::array<Client, kClients> clients_{};
  std::vector<Bytes> burst_;
};

/// What this run of the fuzzer never reached, for whoever wonders whether it passes the gates.
void tell_what_was_not_reached() {
  const auto tell = [](const auto& table) {
    for (const auto& row : table) {
      if (PipelineLab::seen()[row.value] == 0)
        std::fprintf(stderr, "not reached: %.*s\n", static_cast<int>(row.label.size()), row.label.data());
    }
  };
  tell(kRouteTable);
  tell(kDropTable);
  tell(kEventTable);
}

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  testing::InitGoogleTest(argc, *argv);
  testing::GTEST_FLAG(throw_on_failure) = true;  // and an exception ends the fuzzer with the input kept
  synward::test::PipelineLab::seen();            // made before, so destroyed behind, the handler
  return std::atexit(synward::fuzz::tell_what_was_not_reached);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  synward::fuzz::Program{data, size}.run();
  return 0;
}
