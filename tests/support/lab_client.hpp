// A client of PipelineLab's service: it knows its numbers, and makes the segments it would send.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/handshake/segment_builder.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {

inline constexpr wire::SynOptions kLinuxOptions{
    .mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = wire::TcpTimestamps{1'000'000, 0}};
inline constexpr wire::SynOptions kWindowsOptions{.mss = 1460, .window_scale = 8, .sack_permitted = true};

/// The segment that a frame carries; a failure, and all zeros, when its checksums are wrong or it has none.
template <wire::Family kFamily>
handshake::Segment segment_in(const Bytes& frame) {
  const auto received = handshake::parse_frame<kFamily>(frame);
  EXPECT_TRUE(received.has_value()) << "no intact segment";
  return received ? received->segment : handshake::Segment{};
}

template <wire::Family kFamily>
class LabClient {
 public:
  using Flags = wire::TcpFlags;

  explicit LabClient(PipelineLab& lab, std::uint16_t port = 40000,
                     const wire::SynOptions& asked = kLinuxOptions)
      : lab_{&lab}, port_{port}, asked_{asked} {}

  [[nodiscard]] Bytes syn() const { return frame(Flags::kSyn).seq(isn).ack(0).tcp_options(asked_).build(); }
  /// Sends the SYN and takes the SYN-ACK.
  LabClient& ask() {
    const auto answer = segment_in<kFamily>(lab_->run(syn()).frame);
    EXPECT_EQ(answer.flags, Flags::kSyn | Flags::kAck);
    service_next = answer.seq.value() + 1;
    agreed_timestamps = answer.options.timestamps;
    return *this;
  }
  /// The whole handshake.
  LabClient& open() {
    ask();
    EXPECT_EQ(lab_->run(ack()).verdict, Route::kForward);
    return *this;
  }
  /// A segment at the present numbers, with timestamps where they were agreed on.
  [[nodiscard]] FrameBuilder segment(int flags = Flags::kAck) const {
    FrameBuilder built = frame(flags);
    built.seq(next).ack(service_next);
    if (agreed_timestamps) built.tcp_options(wire::TcpTimestamps{tsval, agreed_timestamps->tsval});
    return built;
  }
  [[nodiscard]] Bytes ack() const { return segment().build(); }
  [[nodiscard]] Bytes rst() const { return frame(Flags::kRst).seq(next).ack(0).build(); }
  /// Text at the present numbers, which move past it.
  Bytes text(std::string_view bytes, int flags = Flags::kAck | Flags::kPsh) {
    Bytes built = segment(flags).payload(bytes).build();
    next += static_cast<std::uint32_t>(bytes.size());
    return built;
  }
  Bytes fin() {
    Bytes built = segment(Flags::kAck | Flags::kFin).build();
    next += 1;
    return built;
  }
  /// Runs the frame and reads the answer.
  handshake::Segment answer_to(const Bytes& sent) {
    const Outcome outcome = lab_->run(sent);
    EXPECT_EQ(outcome.verdict, Route::kSend) << kRouteTable[std::size_t(outcome.verdict)].label << " "
                                             << kDropTable[std::size_t(outcome.reason)].label;
    return segment_in<kFamily>(outcome.frame);
  }
  /// Of this client's connection.
  [[nodiscard]] std::optional<table::ConnectionPhase> phase() const {
    const auto* found = lab_->core.template table<kFamily>().find(key());
    return found == nullptr ? std::nullopt : std::optional{found->state.phase.get()};
  }
  [[nodiscard]] table::FlowKey<kFamily> key() const {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return {kClient4, kService4, wire::Port{port_}, wire::Port{kServicePort}};
    } else {
      return {kClient6, kService6, wire::Port{port_}, wire::Port{kServicePort}};
    }
  }

  [[nodiscard]] FrameBuilder frame(int flags) const {
    FrameBuilder built;
    if constexpr (kFamily == wire::Family::kIpv4) {
      built.ipv4(kClient4, kService4);
    } else {
      built.ipv6(kClient6, kService6);
    }
    return built.tcp(port_, kServicePort, static_cast<std::uint8_t>(flags));
  }

 private:
  PipelineLab* lab_;
  std::uint16_t port_;
  wire::SynOptions asked_;

 public:
  std::uint32_t isn = 0xffff'fff0;  ///< numbers wrap soon
  std::uint32_t next = isn + 1;     ///< SND.NXT
  std::uint32_t service_next = 0;   ///< RCV.NXT
  std::uint32_t tsval = 1'000'001;
  std::optional<wire::TcpTimestamps> agreed_timestamps;  ///< of the SYN-ACK
};

/// For TYPED_TEST_SUITE: every test of a connection runs over both families.
template <wire::Family kValue>
struct FamilyType {
  static constexpr wire::Family kFamily = kValue;
};
using Families = testing::Types<FamilyType<wire::Family::kIpv4>, FamilyType<wire::Family::kIpv6>>;

/// What such a suite has: a laboratory, its kind of clients, and what the laboratory has counted.
template <typename Type>
class ConnectionTest : public testing::Test {
 protected:
  static constexpr wire::Family kFamily = Type::kFamily;
  using Client = LabClient<kFamily>;
  explicit ConnectionTest(std::vector<service::Service> services = PipelineLab::default_services())
      : lab{std::move(services)} {}
  [[nodiscard]] std::uint64_t counted(Event event) const { return read(lab.core.counters)[event]; }
  PipelineLab lab;
};

}  // namespace synward::test
