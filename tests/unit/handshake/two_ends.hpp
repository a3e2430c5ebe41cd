// A client and a server between which every segment travels as the bytes of a frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <gtest/gtest.h>

#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/handshake/state_machine.hpp"
#include "tests/support/addresses.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/frame_builder.hpp"

namespace synward::test {

using handshake::Outcome;
using handshake::Path;
using handshake::Segment;
using handshake::State;
using handshake::Tcb;
using wire::Family;
using wire::SeqNum;
using Flags = wire::TcpFlags;

template <Family kFamily>
Path<kFamily> client_path() {
  if constexpr (kFamily == Family::kIpv4) {
    return {kPeerMac, kOurMac, {ip4("198.18.0.1"), ip4("198.18.0.10"), wire::Port{40000}, wire::Port{443}}};
  } else {
    return {kPeerMac, kOurMac, {ip6("2001:2::1"), ip6("2001:2::a"), wire::Port{40000}, wire::Port{443}}};
  }
}
template <Family kFamily>
Path<kFamily> reversed(const Path<kFamily>& path) {
  return {path.remote_mac, path.local_mac, path.tuple.from_the_other_end()};
}

/// The frame, in a buffer of exactly its length that was poisoned before.
template <Family kFamily>
Bytes frame_of(const Path<kFamily>& path, const Segment& segment, std::span<const std::byte> text) {
  Bytes buffer(handshake::kMaxHeaderBytes<kFamily> + text.size(), std::byte{0xa5});
  const auto frame = handshake::build_frame(path, segment, text, buffer);
  return {frame.begin(), frame.end()};
}

/// `segment` as the other end reads it.
template <Family kFamily = Family::kIpv4>
Segment through_the_wire(const Path<kFamily>& path, const Segment& segment) {
  const auto parsed =
      handshake::parse_frame<kFamily>(frame_of(path, segment, Bytes(segment.text_bytes, std::byte{'x'})));
  EXPECT_TRUE(parsed);
  EXPECT_EQ(parsed->path.tuple, path.tuple.from_the_other_end());
  return parsed->segment;
}

/// `client` opens; `server` listens with `server_iss` for whoever comes.
struct TwoEnds {
  Tcb client{}, server{};
  std::uint64_t now_us = 5'000'000;

  explicit TwoEnds(const handshake::EndpointOptions& server_options = {}) {
    open_passive(server, server_options);
    server.initial = {SeqNum{300}, 7'000'000};
  }
  Segment open(SeqNum iss, const handshake::EndpointOptions& options = {}) {
    return open_active(client, options, {iss, 9'000'000}, now_us);
  }
  Outcome to_server(const Segment& segment) {
    return on_segment(server, through_the_wire(client_path<Family::kIpv4>(), segment), now_us);
  }
  Outcome to_client(const Segment& segment) {
    return on_segment(client, through_the_wire(reversed(client_path<Family::kIpv4>()), segment), now_us);
  }
  /// Both ESTABLISHED: SYN, SYN-ACK, ACK.
  void shake_hands(SeqNum client_iss) {
    const auto syn_ack = to_server(open(client_iss)).reply;
    ASSERT_TRUE(syn_ack);
    const auto ack = to_client(*syn_ack).reply;
    ASSERT_TRUE(ack);
    EXPECT_FALSE(to_server(*ack).reply);
    ASSERT_EQ(client.state, State::kEstablished);
    ASSERT_EQ(server.state, State::kEstablished);
  }
};

/// What a figure of the RFC shows of a segment.
inline testing::AssertionResult is(const std::optional<Segment>& segment, std::uint8_t flags,
                                   std::uint32_t seq, std::optional<std::uint32_t> ack = {}) {
  if (!segment) return testing::AssertionFailure() << "nothing was sent";
  if (segment->flags == flags && segment->seq == SeqNum{seq} && (!ack || segment->ack == SeqNum{*ack}))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "sent flags " << int{segment->flags} << " seq "
                                     << segment->seq.value() << " ack " << segment->ack.value();
}

}  // namespace synward::test
