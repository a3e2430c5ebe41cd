// Mirrors dataplane/proxy/splice.hpp: headers of every layout, against a translation of the segment's meaning
// that is written out anew and summed anew.
#include "dataplane/proxy/splice.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ip_protocol.hpp"
#include "dataplane/wire/tcp_options.hpp"
#include "tests/support/addresses.hpp"
#include "tests/support/reference_checksum.hpp"

namespace synward::proxy {
namespace {

using test::append;
using test::Bytes;
using test::bytes_of;
using wire::BigEndian16;
using wire::BigEndian32;
using Flags = wire::TcpFlags;
using Kind = wire::TcpOptionKind;

/// An option by its meaning; `rest` is whatever kind the others are, byte by byte.
struct Option {
  std::uint8_t kind;
  std::vector<std::uint32_t> numbers;
  Bytes rest;
};

struct Segment {
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::vector<Option> options;
  Bytes tail;  // what lies behind the last whole option
  Bytes text;
};

Bytes options_of(const Segment& segment) {
  Bytes list;
  for (const Option& option : segment.options) {
    list.push_back(std::byte{option.kind});
    if (option.kind == Kind::kNop) continue;
    list.push_back(static_cast<std::byte>(2 + 4 * option.numbers.size() + option.rest.size()));
    for (const std::uint32_t number : option.numbers) append(list, bytes_of(BigEndian32{number}));
    append(list, option.rest);
  }
  append(list, segment.tail);
  return list;
}

/// The segment with its checksum, over a pseudo-header of two addresses.
Bytes bytes_of_segment(const Segment& segment) {
  const Bytes options = options_of(segment);
  wire::TcpHeader header{};
  header.src_port = wire::Port{40000};
  header.dst_port = wire::Port{443};
  header.seq = BigEndian32{segment.seq};
  header.ack = BigEndian32{segment.ack};
  header.offset_and_reserved = wire::TcpHeader::offset_of(sizeof header + options.size());
  header.flags = segment.flags;
  header.window = BigEndian16{segment.window};
  Bytes bytes = bytes_of(header);
  append(bytes, options);
  append(bytes, segment.text);
  Bytes covered = test::pseudo_header(test::ip4("198.18.0.10"), test::ip4("198.19.0.1"),
                                      wire::IpProtocol::kTcp, bytes.size());
  append(covered, bytes);
  const auto checksum = test::reference_checksum(covered);
  std::memcpy(&bytes[offsetof(wire::TcpHeader, checksum)], &checksum, sizeof checksum);
  return bytes;
}

std::uint16_t window_at(std::uint16_t field, unsigned from, unsigned to) {
  const std::uint64_t bytes = std::uint64_t{field} << from;
  if (bytes == 0) return 0;
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(std::max<std::uint64_t>(bytes >> to, 1), 65535));
}

Segment for_client(Segment s, const Splice& splice) {
  s.seq += splice.seq_delta;
  s.window = window_at(s.window, splice.backend_scale, splice.promised_scale);
  for (Option& o : s.options)
    if (o.kind == Kind::kTimestamps) o.numbers[0] += splice.ts_delta;
  return s;
}

Segment for_backend(Segment s, const Splice& splice) {
  const bool ack = (s.flags & Flags::kAck) != 0;
  if (ack) s.ack -= splice.seq_delta;
  if (!splice.backend_scales) s.window = window_at(s.window, splice.client_scale, 0);
  std::vector<Option> options;
  for (Option& o : s.options) {
    if (o.kind == Kind::kTimestamps && ack) o.numbers[1] -= splice.ts_delta;
    if (o.kind == Kind::kSack && !splice.backend_takes_sack) {
      options.insert(options.end(), 2 + 4 * o.numbers.size(), Option{Kind::kNop, {}, {}});
      continue;
    }
    if (o.kind == Kind::kSack && ack)
      for (auto& edge : o.numbers) edge -= splice.seq_delta;
    options.push_back(o);
  }
  s.options = std::move(options);
  return s;
}

class Random {
 public:
  std::uint32_t number() { return static_cast<std::uint32_t>(engine_()); }
  std::uint32_t below(std::uint32_t n) { return number() % n; }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  Splice splice() {
    return {.seq_delta = one_in(8) ? 0 : number(),
            .ts_delta = one_in(8) ? 0 : number(),
            .promised_scale = static_cast<std::uint8_t>(below(15)),
            .backend_scale = static_cast<std::uint8_t>(below(15)),
            .client_scale = static_cast<std::uint8_t>(below(15)),
            .backend_scales = !one_in(4),
            .backend_takes_sack = !one_in(4)};
  }
  Segment segment() {
    Segment s{.seq = number(),
              .ack = number(),
              .flags = static_cast<std::uint8_t>(number() & ~unsigned{Flags::kSyn}),
              .window = static_cast<std::uint16_t>(one_in(4) ? below(3) : number())};
    for (std::size_t left = 40; left > 0;) {
      Option option = this->option(left);
      left -= option.kind == Kind::kNop ? 1 : 2 + 4 * option.numbers.size() + option.rest.size();
      s.options.push_back(std::move(option));
      if (one_in(5)) break;
    }
    s.tail = tail(options_of(s).size());
    s.text.resize(below(20));
    for (auto& b : s.text) b = static_cast<std::byte>(number());
    return s;
  }

 private:
  Option option(std::size_t room) {
    if (room >= 10 && one_in(2)) return {Kind::kTimestamps, {number(), number()}, {}};
    if (room >= 10 && one_in(2)) {
      const std::size_t most = (room - 2) / 8;
      std::vector<std::uint32_t> edges(2 * (1 + below(static_cast<std::uint32_t>(most))));
      for (auto& edge : edges) edge = number();
      return {Kind::kSack, edges, {}};
    }
    if (room >= 4 && one_in(4))
      return {253, {}, Bytes(below(3), std::byte{8})};  // looks like timestamps within
    if (room >= 9 && one_in(8))
      return {Kind::kTimestamps, {}, Bytes(7, std::byte{1})};  // of no proper length
    return {Kind::kNop, {}, {}};
  }
  /// Up to the next multiple of 4, or of the end of the list with rubbish behind, or breaking off.
  Bytes tail(std::size_t length) {
    const std::size_t room = 40 - length, padding = (4 - length % 4) % 4;
    Bytes bytes(padding, std::byte{Kind::kNop});
    if (padding + 12 > room || !one_in(3)) return bytes;
    append(bytes, one_in(2) ? bytes_of({Kind::kEnd, 2}) : bytes_of({99, one_in(2) ? 0 : 200}));
    append(bytes, bytes_of({8, 10, 1, 2, 3, 4, 5, 6, 7, 8}));
    return bytes;
  }
  std::mt19937 engine_{17};
};

/// The translation of no proper timestamps is nothing: the oracle must not look for numbers in them.
bool is_proper(const Segment& s) {
  return std::ranges::all_of(
      s.options, [](const Option& o) { return o.kind != Kind::kTimestamps || o.numbers.size() == 2; });
}
Segment random_segment(Random& random) {
  Segment s = random.segment();
  if (is_proper(s)) return s;
  std::erase_if(s.options, [](const Option& o) { return o.kind == Kind::kTimestamps && o.numbers.empty(); });
  s.tail = Bytes((4 - (options_of(s).size() - s.tail.size()) % 4) % 4, std::byte{Kind::kNop});
  return s;
}

std::span<std::byte> header(Bytes& segment) {
  return std::span{segment}.first(wire::overlay<wire::TcpHeader>(segment.data()).header_bytes());
}

std::size_t header_bytes(const Bytes& sent) {
  const auto offset = std::to_integer<std::size_t>(sent.size() > 12 ? sent[12] : std::byte{0xf0});
  return offset / 16 * 4;
}

constexpr int kRounds = 20'000;

/// `translate` does to a header what `oracle` does to the segment's meaning.
template <typename Translate, typename Oracle>
void expect_agreement(Translate&& translate, Oracle&& oracle) {
  Random random;
  for (int round = 0; round < kRounds; ++round) {
    const Segment from = random_segment(random);
    const Splice splice = random.splice();
    Bytes actual = bytes_of_segment(from);
    translate(header(actual), splice);
    ASSERT_EQ(actual, bytes_of_segment(oracle(from, splice))) << round;
  }
}

TEST(Splice, ToTheClientChangesSeqTsvalAndWindowWhereverTheyLie) { expect_agreement(to_client, for_client); }

TEST(Splice, ToTheBackendChangesAckEverySackEdgeAndTsecr) { expect_agreement(to_backend, for_backend); }

TEST(Splice, LeavesACorruptSegmentExactlyAsCorrupt) {
  Random random;
  for (int round = 0; round < kRounds; ++round) {
    Bytes segment = bytes_of_segment(random_segment(random));
    const auto error = static_cast<std::byte>(1 + random.below(255));
    segment[random.one_in(2) ? offsetof(wire::TcpHeader, checksum) : segment.size() - 1] ^= error;
    const std::uint16_t before = wire::fold(wire::add_bytes(0, segment));
    const Splice splice = random.splice();
    random.one_in(2) ? to_client(header(segment), splice) : to_backend(header(segment), splice);
    ASSERT_EQ(wire::fold(wire::add_bytes(0, segment)), before) << round;
  }
}

TEST(Splice, ARstFromEitherSideIsTurnedToo) {
  const Splice splice{.seq_delta = 1000};
  Segment rst{.seq = 5, .ack = 7, .flags = Flags::kRst};
  Bytes bytes = bytes_of_segment(rst);
  to_client(header(bytes), splice);
  EXPECT_EQ(wire::overlay<wire::TcpHeader>(bytes.data()).seq.host(), 1005u);
  bytes = bytes_of_segment(rst);
  to_backend(header(bytes), splice);  // no ACK: what lies in that field means nothing
  EXPECT_EQ(bytes, bytes_of_segment(rst));
  rst.flags |= Flags::kAck;
  bytes = bytes_of_segment(rst);
  to_backend(header(bytes), splice);
  EXPECT_EQ(wire::overlay<wire::TcpHeader>(bytes.data()).ack.host(), 7u - 1000u);
}

struct WindowCase {
  const char* name;
  std::uint16_t field;
  std::uint8_t backend_scale, promised_scale;
  std::uint16_t expected;
};
class Window : public testing::TestWithParam<WindowCase> {};
TEST_P(Window, IsWhatTheBackendMeansInTheScaleThatWasPromised) {
  const auto& c = GetParam();
  Bytes bytes = bytes_of_segment({.flags = Flags::kAck, .window = c.field});
  to_client(header(bytes), {.promised_scale = c.promised_scale, .backend_scale = c.backend_scale});
  EXPECT_EQ(wire::overlay<wire::TcpHeader>(bytes.data()).window.host(), c.expected);
}
INSTANTIATE_TEST_SUITE_P(Rfc7323, Window,
                         testing::Values(WindowCase{"SameScale", 501, 7, 7, 501},
                                         WindowCase{"CoarserThanPromised", 501, 9, 7, 2004},
                                         WindowCase{"FinerThanPromised", 2004, 7, 9, 501},
                                         WindowCase{"ClosedStaysClosed", 0, 7, 9, 0},
                                         WindowCase{"OpenStaysOpen", 1, 0, 14, 1},
                                         WindowCase{"NoMoreThanTheFieldHolds", 65535, 14, 0, 65535}),
                         [](const auto& row) { return std::string{row.param.name}; });

/// An ICMP message with a quote, whose checksum must be right before and after.
class Quote : public testing::TestWithParam<std::size_t> {};
TEST_P(Quote, IsWhatItsSenderSentAndTheIcmpChecksumFollows) {
  Random random;
  for (int round = 0; round < 500; ++round) {
    Segment sent = random_segment(random);
    Splice splice = random.splice();
    splice.promised_scale = splice.backend_scale;  // windows are not turned back
    splice.backend_scales = splice.backend_takes_sack = true;
    const bool by_backend = random.one_in(2);
    Bytes quoted = bytes_of_segment(sent);
    by_backend ? to_client(header(quoted), splice) : to_backend(header(quoted), splice);
    quoted.resize(std::min(GetParam(), quoted.size()));
    Bytes expected = bytes_of_segment(sent);
    expected.resize(quoted.size());
    Bytes message = bytes_of({3, 4, 0, 0, 0, 0, 5, 0});
    append(message, quoted);
    const std::uint16_t before = wire::fold(wire::add_bytes(0, message));
    const auto change =
        by_backend ? quoted_from_client_side(quoted, splice) : quoted_from_backend_side(quoted, splice);
    message.resize(8);
    append(message, quoted);
    ASSERT_EQ(wire::fold(wire::add_bytes(0, message)), wire::fold(wire::add_sums(before, change))) << round;
    const bool too_short = !by_backend && quoted.size() < sizeof(wire::TcpHeader);
    const bool cut = quoted.size() < header_bytes(expected);
    if (too_short || cut) continue;  // an option that is cut off stays as it is
    ASSERT_EQ(quoted, expected) << round;
  }
}
INSTANTIATE_TEST_SUITE_P(Rfc792, Quote, testing::Values(8, 12, 20, 32, 60, 100));

}  // namespace
}  // namespace synward::proxy
