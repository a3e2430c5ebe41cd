#include "control/handshake/annotated_bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/tcp.hpp"
#include "dataplane/wire/tcp_options.hpp"
#include "dataplane/wire/view.hpp"

namespace synward::control {
namespace {

enum class Show : std::uint8_t { kName, kNumber, kFlags };

struct Field {
  std::size_t bytes;
  std::string_view name;
  Show show = Show::kName;
};
constexpr Field kEthernet[] = {{6, "Ethernet: to"}, {6, "from"}, {2, "EtherType"}};
constexpr Field kIpv4[] = {{1, "IPv4: version 4, header of 5 words"},
                           {1, "DSCP and ECN"},
                           {2, "total length", Show::kNumber},
                           {2, "identification", Show::kNumber},
                           {2, "flags: don't fragment"},
                           {1, "time to live", Show::kNumber},
                           {1, "protocol TCP"},
                           {2, "header checksum"},
                           {4, "source"},
                           {4, "destination"}};
constexpr Field kIpv6[] = {{4, "IPv6: version 6, traffic class, flow label"},
                           {2, "payload length", Show::kNumber},
                           {1, "next header TCP"},
                           {1, "hop limit", Show::kNumber},
                           {16, "source"},
                           {16, "destination"}};
constexpr Field kTcp[] = {{2, "TCP: source port", Show::kNumber},
                          {2, "destination port", Show::kNumber},
                          {4, "sequence number", Show::kNumber},
                          {4, "acknowledgment number", Show::kNumber},
                          {1, "data offset in words, upper half"},
                          {1, "control bits", Show::kFlags},
                          {2, "window", Show::kNumber},
                          {2, "checksum"},
                          {2, "urgent pointer", Show::kNumber}};

constexpr std::size_t kBytesInALine = 16;

class Dump {
 public:
  explicit Dump(std::span<const std::byte> frame) : frame_{frame} {}

  void field(const Field& field) {
    std::string words{field.name};
    if (field.show == Show::kNumber) words += fmt::format(" {}", number(at_, field.bytes));
    if (field.show == Show::kFlags) words += flag_words(number(at_, field.bytes));
    lines(field.bytes, words);
  }
  template <std::size_t kCount>
  void fields(const Field (&list)[kCount]) {
    for (const Field& each : list) field(each);
  }
  /// The options of a TCP header that ends at `end`.
  void options(std::size_t end) {
    while (at_ < end) {
      const auto kind = number(at_, 1);
      const std::size_t bytes = kind <= wire::TcpOptionKind::kNop ? 1 : number(at_ + 1, 1);
      lines(bytes, "option: " + option_words(kind));
    }
  }
  void rest(std::string_view name) {
    if (at_ < frame_.size()) lines(frame_.size() - at_, std::string{name});
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  [[nodiscard]] std::uint32_t number(std::size_t at, std::size_t bytes) const {
    std::uint32_t value = 0;
    for (const std::byte byte : frame_.subspan(at, bytes))
      value = value << 8 | std::to_integer<std::uint8_t>(byte);
    return value;
  }

  static std::string flag_words(std::uint32_t flags) {
    constexpr std::string_view kNames[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    std::string words;
    for (std::size_t bit = 0; bit < std::size(kNames); ++bit) {
      if ((flags >> bit & 1) != 0) fmt::format_to(std::back_inserter(words), " {}", kNames[bit]);
    }
    return words;
  }

  [[nodiscard]] std::string option_words(std::uint32_t kind) const {
    using Kind = wire::TcpOptionKind;
    switch (kind) {
      case Kind::kNop:
        return "padding";
      case Kind::kMss:
        return fmt::format("maximum segment size {}", number(at_ + 2, 2));
      case Kind::kWindowScale:
        return fmt::format("window scale {}", number(at_ + 2, 1));
      case Kind::kSackPermitted:
        return "selective acknowledgments permitted";
      case Kind::kTimestamps:
        return fmt::format("timestamps: value {}, echo {}", number(at_ + 2, 4), number(at_ + 6, 4));
      default:
        return fmt::format("kind {}", kind);
    }
  }

  void lines(std::size_t bytes, std::string_view words) {
    for (const std::size_t end = at_ + bytes; at_ < end;) {
      const std::size_t now = std::min(kBytesInALine, end - at_);
      std::string hex;
      for (const std::byte byte : frame_.subspan(at_, now))
        fmt::format_to(std::back_inserter(hex), "{:02x} ", std::to_integer<unsigned>(byte));
      fmt::format_to(std::back_inserter(text_), "  {:4}  {:<48}{}", at_, hex, words);
      text_.erase(text_.find_last_not_of(' ') + 1) += '\n';
      words = {};
      at_ += now;
    }
  }

  std::span<const std::byte> frame_;
  std::size_t at_ = 0;
  std::string text_;
};

}  // namespace

std::string annotated_bytes(std::span<const std::byte> frame) {
  Dump dump{frame};
  dump.fields(kEthernet);
  const auto link = wire::parse_ethernet(frame);
  if (link && link->ether_type == std::uint16_t(wire::EtherType::kIpv4)) {
    dump.fields(kIpv4);
  } else {
    dump.fields(kIpv6);
  }
  const std::size_t tcp_at = dump.at();
  const auto* tcp = wire::parse_tcp(frame.subspan(tcp_at));
  dump.fields(kTcp);
  if (tcp != nullptr) dump.options(tcp_at + tcp->header_bytes());
  dump.rest("text");
  return std::move(dump).text();
}

}  // namespace synward::control
