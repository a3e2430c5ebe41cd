// Bursts through the whole pipeline of an endpoint: every frame gets one verdict, counters and connections
// balance, nothing is written that is not the pipeline's, and what leaves is intact.
//
// The input is a program. It makes frames, right in all that it does not ask to be wrong, so that they pass
// the gates; it knows what the SYN-ACKs said, so that cookies come back; it lets time pass. Frames of raw
// bytes are among them as well.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/handshake/segment_builder.hpp"
#include "tests/fuzz/clients.hpp"
#include "tests/fuzz/samples.hpp"

namespace synward::fuzz {
namespace {

using test::PipelineLab;
using wire::Family;

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : input_{data, size} { lab_.core.trace = &tap(); }
  void run() {
    for (int steps = 0; input_.remaining_bytes() > 0 && steps < 200; ++steps) step();
    end_burst();
  }

 private:
  enum class Step { kEndBurst, kSyn, kText, kSegment, kAsk, kRaw, kTime, kMaxValue = kTime };

  void step() {
    switch (input_.ConsumeEnum<Step>()) {
      case Step::kSyn:
        return add(clients_.syn(clients_.pick()));
      case Step::kText:
        return add(clients_.text(clients_.pick()));
      case Step::kSegment:
        return add(clients_.segment(clients_.pick()));
      case Step::kAsk:
        return add(ask());
      case Step::kRaw:
        return add(input_.some(256));
      case Step::kEndBurst:
        return end_burst();
      case Step::kTime:
        return let_time_pass();
    }
  }
  void add(Bytes frame) {
    if (input_.one_in(16)) input_.spoil(frame);
    frame.shrink_to_fit();
    burst_.push_back(std::move(frame));
    if (burst_.size() == kBurstMax) end_burst();
  }
  /// ARP, neighbour discovery, ping.
  Bytes ask() {
    const std::uint32_t c = clients_.pick();
    if (input_.ConsumeBool()) {
      FrameBuilder built;
      if (is_ipv4(c)) {
        built.ipv4(test::kClient4, test::kService4);
      } else {
        built.ipv6(test::kClient6, test::kService6);
      }
      return built.echo_request(1, 2).payload(input_.some(64)).build();
    }
    return is_ipv4(c) ? FrameBuilder{}.arp_request(test::kClient4, test::kService4).build()
                      : FrameBuilder{}.neighbor_solicitation(test::kClient6, test::kService6).build();
  }

  void end_burst() {
    lab_.nic_verdict = input_.one_in(16) ? RxChecksum::kGood : RxChecksum::kUnknown;
    const std::vector<Bytes> sent = std::exchange(burst_, {});
    const auto outcomes = lab_.run(sent);
    expect_samples(sent);
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
    const std::uint32_t c = path.tuple.local_port.host() - port_of(0);
    if (c < kClients) clients_.hear(c, said);  // unless the program spoiled the port
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

  Input input_;
  Clients clients_{input_};
  PipelineLab lab_{services(), 1, 2};
  std::vector<Bytes> burst_;
};

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  synward::fuzz::Program{data, size}.run();
  return 0;
}
