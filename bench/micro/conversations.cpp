#include "bench/micro/conversations.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <stdexcept>
#include <utility>

#include "bench/micro/traffic.hpp"
#include "dataplane/handshake/segment_builder.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/stages/stages.hpp"
#include "dataplane/wire/checksum.hpp"

namespace synward::bench {
namespace {

using handshake::Segment;
using wire::Family;
using Flags = wire::TcpFlags;

template <Family kFamily>
handshake::Received<kFamily> parse(std::span<const std::byte> frame) {
  const auto received = handshake::parse_frame<kFamily>(frame);
  if (!received) throw std::logic_error{"no intact segment"};
  return *received;
}

template <Family kFamily>
Stamp stamp_of(const handshake::Path<kFamily>& path, Segment segment, std::size_t text_bytes) {
  static constexpr std::array<std::byte, kTextBytes> kText{};
  segment.text_bytes = static_cast<std::uint16_t>(text_bytes);
  Stamp stamp{};
  const auto text = std::span{kText}.first(text_bytes);
  stamp.size =
      static_cast<std::uint16_t>(handshake::build_frame<kFamily>(path, segment, text, stamp.bytes).size());
  return stamp;
}

/// The same segment with two SACK blocks behind its other options.
template <Family kFamily>
Stamp with_sack(const Stamp& plain) {
  constexpr std::size_t kNetwork = sizeof(wire::EthernetHeader), kTcp = kNetwork + sizeof(IpHeader<kFamily>);
  const auto& before = wire::overlay<wire::TcpHeader>(plain.bytes.data() + kTcp);
  const std::uint32_t ack = before.ack.host();
  const std::size_t header = before.header_bytes();
  std::array<std::byte, 20> option{std::byte{1}, std::byte{1}, std::byte{wire::TcpOptionKind::kSack},
                                   std::byte{18}};
  for (std::size_t edge = 0; edge < 4; ++edge)
    wire::overlay<wire::BigEndian32>(&option[4 + 4 * edge]) =
        wire::BigEndian32{static_cast<std::uint32_t>(ack + 1448 * (edge + 1))};

  Stamp stamp = plain;
  stamp.size = static_cast<std::uint16_t>(plain.size + option.size());
  auto* const at = stamp.bytes.data() + kTcp + header;
  std::copy(plain.bytes.begin() + kTcp + header, plain.bytes.begin() + plain.size, at + option.size());
  std::copy(option.begin(), option.end(), at);
  auto& tcp = wire::overlay<wire::TcpHeader>(stamp.bytes.data() + kTcp);
  tcp.offset_and_reserved = wire::TcpHeader::offset_of(header + option.size());
  tcp.checksum = {};
  const auto segment = std::span{stamp.bytes}.subspan(kTcp, stamp.size - kTcp);
  auto& ip = wire::overlay<IpHeader<kFamily>>(stamp.bytes.data() + kNetwork);
  const auto bytes = static_cast<std::uint16_t>(segment.size());
  if constexpr (kFamily == Family::kIpv4) {
    ip.total_length = wire::BigEndian16{static_cast<std::uint16_t>(sizeof ip + bytes)};
    ip.checksum = {};
    ip.checksum = wire::finish(wire::add_bytes(0, std::as_bytes(std::span{&ip, 1})));
  } else {
    ip.payload_length = wire::BigEndian16{bytes};
  }
  tcp.checksum = wire::finish(wire::add_bytes(
      wire::pseudo_header_sum(ip.source, ip.destination, wire::IpProtocol::kTcp, bytes), segment));
  return stamp;
}

template <Family kFamily>
struct Talk {
  Conversations& made;
  std::mt19937& random;

  /// From our SYN-ACK: what the client sends, but for the ACK's effect.
  void client(std::span<const std::byte> syn_ack) {
    const auto [path, heard, text] = parse<kFamily>(syn_ack);
    Segment segment{.seq = heard.ack, .ack = heard.seq + 1, .flags = Flags::kAck, .window = 502};
    if (const auto& theirs = heard.options.timestamps)
      segment.options.timestamps = wire::TcpTimestamps{theirs->tsecr + 1, theirs->tsval};
    made.acks.push_back(stamp_of<kFamily>(path, segment, 0));
    made.to_backend.push_back(stamp_of<kFamily>(path, segment, kTextBytes));
    made.to_backend_with_sack.push_back(with_sack<kFamily>(made.to_backend.back()));
  }
  /// From our SYN: what the backend sends. It has what Linux has, and was asked for.
  void backend(std::span<const std::byte> syn) {
    const auto [path, heard, text] = parse<kFamily>(syn);
    const wire::SeqNum isn{static_cast<std::uint32_t>(random())};
    Segment segment{.seq = isn, .ack = heard.seq + 1, .flags = Flags::kSyn | Flags::kAck, .window = 65160};
    segment.options = heard.options;
    segment.options.mss = std::uint16_t{1460};
    if (heard.options.window_scale) segment.options.window_scale = std::uint8_t{7};
    if (const auto& theirs = heard.options.timestamps)
      segment.options.timestamps = wire::TcpTimestamps{static_cast<std::uint32_t>(random()), theirs->tsval};
    made.syn_acks.push_back(stamp_of<kFamily>(path, segment, 0));
    segment.seq = isn + 1;
    segment.flags = Flags::kAck;
    made.to_client.push_back(stamp_of<kFamily>(path, segment, kTextBytes));
  }
};

template <Family kFamily>
Conversations make(Layout layout) {
  Core core{Core::Mode::kInline};
  Conversations made;
  std::mt19937 random{12};
  Talk<kFamily> talk{made, random};
  const std::span syns{stamps(kFamily, layout)};
  for (std::size_t at = 0; at < syns.size(); at += kBurstMax) {
    replay().run(core, syns.subspan(at, kBurstMax), Core::kOutside);
    const Burst& burst = replay().burst();
    for (const LaneIndex i : burst.on(Route::kSend)) talk.client({burst.frame[i], burst.frame_bytes[i]});
    replay().run(core, std::span{made.acks}.subspan(at), Core::kOutside);
    bool again = false;  // each SYN is there twice
    for (const auto& frame : core.state.outbox) {
      if (!again) talk.backend(std::span{frame.data}.first(frame.bytes));
      again = !again;
    }
    replay().run(core, std::span{made.syn_acks}.subspan(at), Core::kInside);
    core.finish_burst();
    if (made.syn_acks.size() != at + kBurstMax) throw std::logic_error{"a backend was not asked"};
  }
  return made;
}

}  // namespace

void Replay::run(Core& core, std::span<const Stamp> stamps, std::uint16_t port) {
  burst_.reset();
  burst_.size = stamps.size();
  burst_.port = port;
  burst_.taken_over = false;
  for (std::size_t n = 0; n < stamps.size(); ++n) {
    auto* const frame = frames_[next_++ % kFrames].data();
    std::memcpy(frame, stamps[n].bytes.data(), stamps[n].size);
    burst_.packet[n] = {frame};
    burst_.frame[n] = frame;
    burst_.frame_bytes[n] = stamps[n].size;
    burst_.ip_checksum[n] = burst_.transport_checksum[n] = RxChecksum::kUnknown;
    burst_.on(Route::kReceived).push(static_cast<LaneIndex>(n));
  }
  run_burst(core.state, burst_);
  settle(burst_, core.state);
}

Replay& replay() {
  static Replay replay;
  return replay;
}

const Conversations& conversations(Family family, Layout layout) {
  static std::map<std::pair<Family, Layout>, Conversations> made;
  auto& conversations = made[{family, layout}];
  if (conversations.acks.empty())
    conversations = family == Family::kIpv4 ? make<Family::kIpv4>(layout) : make<Family::kIpv6>(layout);
  return conversations;
}

}  // namespace synward::bench
