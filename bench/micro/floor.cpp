#include "bench/micro/floor.hpp"

namespace synward::bench {
namespace {

/// The frame that becomes the answer.
struct SynFrame {
  wire::EthernetHeader ethernet;
  wire::Ipv4Header ip;
  wire::TcpHeader tcp;
  wire::BigEndian32 options[5];
};
static_assert(wire::WireLayout<SynFrame> && sizeof(SynFrame) == 74);

}  // namespace

void write_floor(std::span<std::byte* const> frames) {
  for (std::byte* const at : frames) {
    auto& frame = wire::overlay<SynFrame>(at);
    std::swap(frame.ethernet.source, frame.ethernet.destination);
    const wire::Ipv4Address from = frame.ip.destination, to = frame.ip.source;
    frame.ip = {0x45, 0, wire::BigEndian16{60}, wire::BigEndian16{0}, wire::BigEndian16{0x4000}, 64, 6, {},
                from, to};
    const auto [src_port, dst_port, seq] = std::tuple{frame.tcp.dst_port, frame.tcp.src_port, frame.tcp.seq};
    frame.tcp = {src_port,
                 dst_port,
                 wire::BigEndian32{1},
                 wire::BigEndian32{seq.host() + 1},
                 0xa0,
                 0x12,
                 wire::BigEndian16{0xffff},
                 {},
                 wire::BigEndian16{0}};
    frame.options[0] = wire::BigEndian32{0x020405b4};
    frame.options[1] = wire::BigEndian32{0x0402080a};
    frame.options[3] = std::exchange(frame.options[2], wire::BigEndian32{2});
    frame.options[4] = wire::BigEndian32{0x01030307};
  }
}

}  // namespace synward::bench
