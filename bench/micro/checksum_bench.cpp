// What verifying a TCP checksum costs, pseudo-header included, beside DPDK's function for it.
#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bench/micro/baseline.hpp"
#include "bench/micro/frames.hpp"
#include "bench/micro/huge_memory.hpp"
#include "bench/micro/report.hpp"
#include "bench/micro/tsc.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/tcp.hpp"

namespace synward::bench {
namespace {

/// IPv4 packets with correct checksums, each in a buffer of its own, in random order.
class Packets {
 public:
  /// Segments of these lengths, header included, in turns.
  Packets(std::size_t count, std::span<const std::uint16_t> segment_bytes) : memory_{count * kBufferBytes} {
    std::mt19937 random{5};
    at_.reserve(count);
    for (std::size_t n = 0; n < count; ++n) {
      at_.push_back(memory_.data() + n * kBufferBytes);
      write(at_.back(), segment_bytes[n % segment_bytes.size()], random);
    }
    std::shuffle(at_.begin(), at_.end(), random);
  }
  [[nodiscard]] std::span<std::byte* const> all() const { return at_; }

 private:
  static constexpr std::size_t kBufferBytes = 2304;

  static void write(std::byte* packet, std::uint16_t segment_bytes, std::mt19937& random) {
    auto& ip = wire::overlay<wire::Ipv4Header>(packet);
    ip.version_and_ihl = 0x45;
    ip.total_length = wire::BigEndian16{static_cast<std::uint16_t>(sizeof ip + segment_bytes)};
    ip.protocol = wire::IpProtocol::kTcp;
    ip.source = {{198, 19, 1, static_cast<std::uint8_t>(random())}};
    ip.destination = kService4;
    const std::span segment{packet + sizeof ip, segment_bytes};
    std::generate(segment.begin(), segment.end(), [&random] { return static_cast<std::byte>(random()); });
    auto& tcp = wire::overlay<wire::TcpHeader>(segment.data());
    tcp.checksum = wire::Checksum{};
    tcp.checksum = wire::finish(wire::add_bytes(
        wire::pseudo_header_sum(ip.source, ip.destination, ip.protocol, segment_bytes), segment));
  }

  HugeMemory memory_;
  std::vector<std::byte*> at_;
};

std::size_t verify(std::span<std::byte* const> packets) {
  std::size_t good = 0;
  for (const std::byte* const at : packets) {
    const auto& ip = wire::overlay<wire::Ipv4Header>(at);
    const std::span segment{at + ip.header_bytes(), ip.total_bytes() - ip.header_bytes()};
    const std::uint64_t pseudo = wire::pseudo_header_sum(ip.source, ip.destination, wire::IpProtocol::kTcp,
                                                         static_cast<std::uint16_t>(segment.size()));
    good += wire::verifies(wire::add_bytes(pseudo, segment)) ? 1u : 0u;
  }
  return good;
}

void run_over(benchmark::State& state, std::size_t count, std::span<const std::uint16_t> segment_bytes,
              std::size_t (*verify_all)(std::span<std::byte* const>)) {
  const Packets packets{count, segment_bytes};
  std::size_t least = count;
  sample(
      state, count, [] {}, [&] { least = std::min(least, verify_all(packets.all())); });
  if (least != count) state.SkipWithError("a good checksum was refused");
}

void add_rows(const std::string& what, std::span<const std::uint16_t> segment_bytes) {
  const auto add_cell = [&](const std::string& name, std::size_t count, auto* verify_all) {
    add(what + name, [=](auto& state) { run_over(state, count, segment_bytes, verify_all); });
  };
  for (const auto& [column, count] : {std::pair{"/L2", FrameSet::kInL2}, {"/L3", FrameSet::kInL3 / 4}}) {
    add_cell(std::string{": synward"} + column, count, verify);
    add_cell(std::string{": rte_*"} + column, count, verify_with_dpdk);
  }
}

}  // namespace
}  // namespace synward::bench

int main(int argc, char** argv) {
  static constexpr std::uint16_t kSyn[] = {40}, kMixed[] = {20, 32, 40, 52, 96, 147, 532, 1012},
                                 kFull[] = {1480};
  synward::bench::add_rows("40 bytes", kSyn);
  synward::bench::add_rows("20 to 1,012 bytes", kMixed);
  synward::bench::add_rows("1,480 bytes", kFull);
  return synward::bench::run(argc, argv, synward::bench::Order::kInterleaved);
}
