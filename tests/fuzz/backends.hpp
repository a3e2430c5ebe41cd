// The backends behind a wire: each knows its half of one client's connection, and answers SYNs as the program
// has it.
#pragma once

#include <array>

#include "tests/fuzz/clients.hpp"

namespace synward::fuzz {

/// The backend of one client.
struct Backend {
  std::uint32_t isn = 0x1000'0000, next = isn + 1, client_next = 0, tsval = 5000, tsecr = 0;
  bool timestamps = false;
  wire::SynOptions asked{};  ///< of the last SYN that arrived
};

class Backends {
 public:
  explicit Backends(Input& input) : input_{&input} {}
  Backend& operator[](std::uint32_t client) { return backends_[client]; }

  /// Of what it was asked for, it has what the program says.
  Bytes syn_ack(std::uint32_t c) {
    Backend& backend = backends_[c];
    if (input_->one_in(4)) backend.isn = input_->ConsumeIntegral<std::uint32_t>();
    backend.next = backend.isn + 1;
    const auto lacks = input_->ConsumeIntegral<std::uint8_t>();
    FrameBuilder built = frame(c, Flags::kSyn | Flags::kAck);
    built.seq(backend.isn).ack(backend.client_next);
    if (lacks == 0xff) return built.tcp_options(input_->some(40)).build();
    const wire::SynOptions& asked = backend.asked;
    wire::SynOptions has{.mss = static_cast<std::uint16_t>(1460 - lacks)};
    if (asked.window_scale && (lacks & 1) == 0) has.window_scale = 7 + (lacks >> 6);
    has.sack_permitted = asked.sack_permitted && (lacks & 2) == 0;
    backend.timestamps = asked.timestamps && (lacks & 12) != 12;
    if (backend.timestamps) has.timestamps = wire::TcpTimestamps{backend.tsval, backend.tsecr};
    return built.tcp_options(has).window(lacks == 0 ? 65160 : 64000).build();
  }
  /// What else may answer a SYN: refusals, stale sockets, SYN-ACKs that acknowledge something else.
  Bytes other_answer(std::uint32_t c) {
    const Backend& backend = backends_[c];
    constexpr std::array<std::uint8_t, 6> kAnswers{
        Flags::kRst | Flags::kAck, Flags::kAck, Flags::kSyn | Flags::kAck, Flags::kRst, Flags::kSyn,
        Flags::kFin | Flags::kAck};
    FrameBuilder built = frame(c, input_->PickValueInArray(kAnswers));
    const std::uint32_t off = input_->ConsumeBool() ? input_->near() : 0;
    return built.seq(backend.isn).ack(backend.client_next + off).build();
  }
  /// What a well-behaved backend sends.
  Bytes text(std::uint32_t c) {
    Backend& backend = backends_[c];
    constexpr std::array<std::uint8_t, 4> kUsual{Flags::kAck, Flags::kAck | Flags::kPsh,
                                                 Flags::kAck | Flags::kFin, Flags::kRst};
    const std::uint8_t flags = input_->PickValueInArray(kUsual);
    FrameBuilder built = frame(c, flags);
    built.seq(backend.next).ack(backend.client_next);
    if (backend.timestamps) built.tcp_options(wire::TcpTimestamps{++backend.tsval, backend.tsecr});
    const auto bytes = input_->ConsumeIntegralInRange<std::size_t>(0, 64);
    if (!input_->one_in(4))
      backend.next += static_cast<std::uint32_t>(bytes + ((flags & Flags::kFin) != 0 ? 1 : 0));
    return built.payload(Bytes(bytes, std::byte{'b'})).build();
  }
  /// What none should send.
  Bytes segment(std::uint32_t c) {
    const Backend& backend = backends_[c];
    FrameBuilder built = frame(c, input_->ConsumeIntegral<std::uint8_t>());
    built.seq(backend.next + input_->near()).ack(backend.client_next + input_->near());
    return built.tcp_options(input_->some(40)).payload(input_->some(64)).build();
  }
  /// What it learns of a segment of client `c`'s that reached it.
  void hear(std::uint32_t c, const handshake::Segment& said) {
    Backend& backend = backends_[c];
    if (said.has(Flags::kSyn)) backend.asked = said.options;
    if (said.length() != 0) backend.client_next = (said.seq + said.length()).value();
    if (said.options.timestamps) backend.tsecr = said.options.timestamps->tsval;
  }

 private:
  FrameBuilder frame(std::uint32_t c, int flags) {
    FrameBuilder built;
    built.mac(test::kPeerMac, test::kOurMac);
    if (is_ipv4(c)) {
      built.ipv4(test::kService4, test::kClient4);
    } else {
      built.ipv6(test::kService6, test::kClient6);
    }
    built.tcp(test::kServicePort, port_of(c), static_cast<std::uint8_t>(flags));
    if (input_->one_in(32)) built.vlan(7);
    return built;
  }

  Input* input_;
  std::array<Backend, kClients> backends_{};
};

}  // namespace synward::fuzz
