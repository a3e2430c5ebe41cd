// Any list of TCP options: what the parser reads is what a plain second reading of RFC 9293 3.1 finds, and
// what the emitter makes of that parses to the same again.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/wire/tcp_options.hpp"
#include "tests/fuzz/expect.hpp"

namespace synward::fuzz {
namespace {

using wire::TcpOptionKind;
using Octets = std::span<const std::uint8_t>;

struct Reading {
  std::optional<std::uint32_t> mss, window_scale, tsval, tsecr;
  bool sack_permitted = false, malformed = false;
  std::size_t sack_blocks = 0;
};

std::uint32_t number(Octets octets) {
  std::uint32_t value = 0;
  for (const auto octet : octets) value = value << 8 | octet;
  return value;
}

void read_known(Reading& reading, std::uint8_t kind, Octets value) {
  if (kind == TcpOptionKind::kMss && value.size() == 2 && !reading.mss) reading.mss = number(value);
  if (kind == TcpOptionKind::kWindowScale && value.size() == 1 && !reading.window_scale)
    reading.window_scale = value[0] > 14 ? 14 : value[0];
  if (kind == TcpOptionKind::kSackPermitted && value.empty()) reading.sack_permitted = true;
  if (kind == TcpOptionKind::kSack && reading.sack_blocks == 0 && value.size() % 8 == 0)
    reading.sack_blocks = value.size() / 8;
  if (kind == TcpOptionKind::kTimestamps && value.size() == 8 && !reading.tsval) {
    reading.tsval = number(value.first(4));
    reading.tsecr = number(value.last(4));
  }
}

Reading read_again(Octets list) {
  Reading reading;
  std::size_t at = 0;
  while (at < list.size() && list[at] != TcpOptionKind::kEnd) {
    if (list[at] == TcpOptionKind::kNop) {
      ++at;
      continue;
    }
    reading.malformed = at + 1 == list.size() || list[at + 1] < 2 || at + list[at + 1] > list.size();
    if (reading.malformed) break;
    read_known(reading, list[at], list.subspan(at + 2, list[at + 1] - 2u));
    at += list[at + 1];
  }
  return reading;
}

void expect_same(const wire::TcpOptions& options, const Reading& reading) {
  const auto timestamps = options.timestamps();
  expect(options.mss() == reading.mss && options.window_scale() == reading.window_scale);
  expect(options.sack_permitted() == reading.sack_permitted && options.malformed() == reading.malformed);
  expect(options.sack().size() == reading.sack_blocks && timestamps.has_value() == reading.tsval.has_value());
  if (timestamps) expect(timestamps->tsval == reading.tsval && timestamps->tsecr == reading.tsecr);
}

void expect_round_trip(const wire::TcpOptions& options) {
  const wire::SynOptions offer{.mss = options.mss(),
                               .window_scale = options.window_scale(),
                               .sack_permitted = options.sack_permitted(),
                               .timestamps = options.timestamps()};
  std::vector<std::byte> list(wire::kMaxSynOptionBytes, std::byte{0xa5});
  const std::size_t bytes = wire::write_syn_options(list.data(), offer);
  expect(bytes <= list.size() && bytes % 4 == 0);

  const auto again = wire::parse_tcp_options(std::span{list}.first(bytes));
  expect(!again.malformed() && again.mss() == offer.mss && again.window_scale() == offer.window_scale);
  expect(again.sack_permitted() == offer.sack_permitted && again.timestamps() == offer.timestamps);
}

}  // namespace
}  // namespace synward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span input{data, size};
  const auto options = synward::wire::parse_tcp_options(std::as_bytes(input));
  synward::fuzz::expect_same(options, synward::fuzz::read_again(input));
  synward::fuzz::expect_round_trip(options);
  return 0;
}
