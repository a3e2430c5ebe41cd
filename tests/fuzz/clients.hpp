// The clients of a pipeline's services: each knows its numbers, and what the SYN-ACKs said, so that cookies
// come back. The program may have them lie about all of it, segment by segment.
#pragma once

#include <array>
#include <utility>

#include "dataplane/handshake/segment.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/frame_builder.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::fuzz {

using test::Bytes;
using test::FrameBuilder;
using Flags = wire::TcpFlags;

inline constexpr std::uint32_t kClients = 4;  // two of each family
constexpr bool is_ipv4(std::uint32_t client) { return client % 2 == 0; }
constexpr std::uint16_t port_of(std::uint32_t client) { return static_cast<std::uint16_t>(40000 + client); }

struct Client {
  std::uint32_t isn = 0, next = 0, service_next = 0, tsval = 100, tsecr = 0;
  bool timestamps = false;
};

class Clients {
 public:
  explicit Clients(Input& input) : input_{&input} {
    for (std::uint32_t c = 0; c < kClients; ++c) {
      clients_[c].isn = 0xffff'fff0u + c;
      clients_[c].next = clients_[c].isn + 1;
    }
  }
  Client& operator[](std::uint32_t client) { return clients_[client]; }
  [[nodiscard]] std::uint32_t pick() {
    return input_->ConsumeIntegralInRange<std::uint32_t>(0, kClients - 1);
  }

  Bytes syn(std::uint32_t c) {
    Client& client = clients_[c];
    if (input_->one_in(4)) client.isn = input_->ConsumeIntegral<std::uint32_t>();
    client.next = client.isn + 1;
    FrameBuilder built = frame(c, Flags::kSyn);
    built.seq(client.isn).ack(0);
    const auto asked = input_->ConsumeIntegral<std::uint8_t>();
    client.timestamps = (asked & 1) != 0;
    if ((asked & 0x80) != 0) return built.tcp_options(input_->some(40)).build();
    wire::SynOptions options;
    if (client.timestamps) options.timestamps = wire::TcpTimestamps{client.tsval, 0};
    if ((asked & 2) != 0) options.mss = static_cast<std::uint16_t>(48 + 16 * asked);
    if ((asked & 4) != 0) options.window_scale = asked >> 4;
    options.sack_permitted = (asked & 8) != 0;
    return built.tcp_options(options).build();
  }
  Bytes ack(std::uint32_t c) {
    Client& client = clients_[c];
    FrameBuilder built = frame(c, Flags::kAck);
    if (client.timestamps) built.tcp_options(wire::TcpTimestamps{++client.tsval, client.tsecr});
    return built.seq(client.next).ack(client.service_next).build();
  }
  /// What a well-behaved client sends.
  Bytes text(std::uint32_t c) {
    Client& client = clients_[c];
    constexpr std::array<std::uint8_t, 4> kUsual{Flags::kAck, Flags::kAck | Flags::kPsh,
                                                 Flags::kAck | Flags::kFin, Flags::kRst};
    const std::uint8_t flags = input_->PickValueInArray(kUsual);
    FrameBuilder built = frame(c, flags);
    built.seq(client.next).ack(client.service_next);
    const bool sack = input_->one_in(4);
    if (sack) {
      built.tcp_options(with_sack(client));
    } else if (client.timestamps) {
      built.tcp_options(wire::TcpTimestamps{++client.tsval, client.tsecr});
    }
    const auto bytes = input_->ConsumeIntegralInRange<std::size_t>(0, 64);
    if (!input_->one_in(4))
      client.next += static_cast<std::uint32_t>(bytes + ((flags & Flags::kFin) != 0 ? 1 : 0));
    return built.payload(Bytes(bytes, std::byte{'t'})).build();
  }
  /// What anybody may send.
  Bytes segment(std::uint32_t c) {
    const Client& client = clients_[c];
    FrameBuilder built = frame(c, input_->ConsumeIntegral<std::uint8_t>());
    built.seq(client.next + input_->near()).ack(client.service_next + input_->near());
    if (input_->ConsumeBool()) {
      built.tcp_options(wire::TcpTimestamps{client.tsval + input_->near(), client.tsecr});
    } else {
      built.tcp_options(input_->some(40));
    }
    return built.payload(input_->some(64)).build();
  }
  /// What client `c` learns of a segment that reached it.
  void hear(std::uint32_t c, const handshake::Segment& said) {
    Client& client = clients_[c];
    if (said.length() != 0) client.service_next = (said.seq + said.length()).value();
    if (said.options.timestamps) client.tsecr = said.options.timestamps->tsval;
    if (said.has(Flags::kSyn)) client.timestamps = said.options.timestamps.has_value();
  }

 private:
  /// From `client` to its service; now and then with tags, options, extensions, another port, or corrupt.
  FrameBuilder frame(std::uint32_t client, std::uint8_t flags) {
    FrameBuilder built;
    if (is_ipv4(client)) {
      built.ipv4(test::kClient4, test::kService4);
    } else {
      built.ipv6(test::kClient6, test::kService6);
    }
    built.tcp(port_of(client), input_->one_in(32) ? std::uint16_t{80} : test::kServicePort, flags);
    if (!input_->one_in(4)) return built;
    const auto odd = input_->ConsumeIntegral<std::uint8_t>();
    if ((odd & 1) != 0) built.vlan(7);
    if ((odd & 2) != 0) built.vlan(8, wire::EtherType::kQinQ);
    if ((odd & 4) != 0) built.pad_to(test::kShortestFrame);
    if ((odd & 8) != 0) built.traffic_class(3);
    if ((odd & 32) != 0) built.wrong_ip_checksum();
    if ((odd & 64) != 0) built.wrong_checksum();
    if ((odd & 16) == 0) return built;
    return is_ipv4(client) ? built.ip_options(Bytes(4, std::byte{1}))
                           : built.extension(wire::IpProtocol::kHopByHopOptions);
  }
  /// Blocks beyond a gap, at an even offset or an odd one, beside timestamps.
  Bytes with_sack(Client& client) {
    Bytes options = input_->ConsumeBool() ? test::bytes_of({1}) : Bytes{};
    if (client.timestamps) {
      test::append(options, test::bytes_of({8, 10}));
      test::append(options, test::bytes_of(wire::BigEndian32{++client.tsval}));
      test::append(options, test::bytes_of(wire::BigEndian32{client.tsecr}));
    }
    test::append(options, test::bytes_of({5, 18}));
    for (const std::uint32_t edge : {10u, 20u, 30u, 40u})
      test::append(options, test::bytes_of(wire::BigEndian32{client.service_next + edge}));
    return options;
  }

  Input* input_;
  std::array<Client, kClients> clients_{};
};

}  // namespace synward::fuzz
