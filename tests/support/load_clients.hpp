// Clients of synward-load, and a server that a test plays by hand.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "bench/load/clients.hpp"
#include "tests/support/addresses.hpp"
#include "tests/support/load_families.hpp"

namespace synward::load {

/// All that a client's observer was told.
struct Told {
  std::vector<std::uint64_t> syns;
  std::optional<std::uint64_t> connected, first_byte;
  std::optional<Outcome> outcome;
  bool closed = false;
};

template <typename T>
class ClientsOf : public testing::Test, private ClientEvents {
 protected:
  static constexpr wire::Family kFamily = T::kFamily;
  static constexpr bool kIs4 = kFamily == wire::Family::kIpv4;
  using Start = typename Clients<kFamily>::Start;

  /// Clients whose intended times are so much after kBegin.
  void make(std::vector<std::uint64_t> times, const ClientManners& manners, const char* addresses = nullptr) {
    schedule_.clear();
    for (std::size_t n = 0; n < times.size(); ++n) schedule_.push_back({kBegin + times[n], n});
    if (addresses == nullptr) addresses = kIs4 ? "198.18.64.0/24" : "2001:2:0:4000::/64";
    const Target service = Target::parse(kIs4 ? "198.18.0.10:443" : "[2001:2::10]:443");
    clients_.emplace(
        typename Clients<kFamily>::Settings{
            .link = {test::mac("02:00:00:00:00:01"), test::mac("02:00:00:00:00:0a")},
            .addresses = SourcePrefix::parse(addresses),
            .service = std::get<wire::Address<kFamily>>(service.address()),
            .port = service.port(),
            .manners = manners},
        schedule_, crypto::AesBlock{}, [this](std::span<const std::byte> f) { take(f); },
        static_cast<ClientEvents&>(*this));
  }
  /// One client, now.
  void begin(const ClientManners& manners) {
    make({0}, manners);
    turn(0);
  }
  void turn(std::uint64_t us) { clients_->turn(now_ = kBegin + us); }

  /// The oldest segment that was sent and not looked at. Throws when there is none.
  handshake::Segment sent() {
    if (sent_.empty()) throw std::runtime_error("nothing was sent");
    last_ = sent_.front();
    sent_.pop_front();
    return last_.segment;
  }
  [[nodiscard]] bool silent() const { return sent_.empty(); }

  /// What the server says to whoever sent last, `us` after kBegin.
  void say(std::uint64_t us, handshake::Segment segment, std::string_view text = {}) {
    segment.text_bytes = static_cast<std::uint16_t>(text.size());
    std::array<std::byte, 256> frame;
    const auto built = build_frame(last_.path, segment, std::as_bytes(std::span{text}), frame);
    const auto received = handshake::parse_frame<kFamily>(built).value();
    ASSERT_TRUE(clients_->is_for(received.path.tuple));
    clients_->receive(received, now_ = kBegin + us);
  }
  /// The server's SYN-ACK to the SYN that was looked at last.
  static handshake::Segment syn_ack(const handshake::Segment& syn, std::uint16_t window = 65535) {
    return {.seq = wire::SeqNum{7000},
            .ack = syn.seq + 1,
            .flags = wire::TcpFlags::kSyn | wire::TcpFlags::kAck,
            .window = window};
  }
  /// Connected at `us`, and the ACK looked at.
  void connect(std::uint64_t us) {
    const handshake::Segment syn = sent();
    say(us, syn_ack(syn));
    EXPECT_EQ(sent().flags, wire::TcpFlags::kAck);
    isn_ = syn.seq;
  }
  [[nodiscard]] handshake::Segment ack(std::uint32_t sent_bytes, std::uint32_t said_bytes = 0,
                                       std::uint8_t flags = 0) const {
    return {.seq = wire::SeqNum{7001} + said_bytes,
            .ack = isn_ + 1 + sent_bytes,
            .flags = static_cast<std::uint8_t>(wire::TcpFlags::kAck | flags),
            .window = 65535};
  }
  void expect_end(Outcome outcome, bool closed = false, std::size_t client = 0) {
    ASSERT_TRUE(told_[client].outcome.has_value());
    EXPECT_EQ(*told_[client].outcome, outcome) << kOutcomeLabels[std::size_t(*told_[client].outcome)];
    EXPECT_EQ(told_[client].closed, closed);
  }

  std::optional<Clients<kFamily>> clients_;
  std::vector<Start> schedule_;
  std::deque<handshake::Received<kFamily>> sent_;  // from the server's end
  handshake::Received<kFamily> last_{};
  wire::SeqNum isn_{0};
  std::map<std::size_t, Told> told_;
  std::vector<std::vector<std::byte>> acks_;

 private:
  void take(std::span<const std::byte> frame) {
    frames_.emplace_back(frame.begin(), frame.end());
    sent_.push_back(handshake::parse_frame<kFamily>(frames_.back()).value());
  }
  void sent_syn(std::size_t client, unsigned number, std::uint64_t now_us) override {
    told_[client].syns.push_back(now_us - kBegin);
    EXPECT_EQ(number, told_[client].syns.size());
  }
  void connected(std::size_t client, std::uint64_t now_us) override {
    told_[client].connected = now_us - kBegin;
  }
  void sent_ack(std::span<const std::byte> frame) override { acks_.emplace_back(frame.begin(), frame.end()); }
  void first_byte(std::size_t client, std::uint64_t now_us) override {
    EXPECT_FALSE(told_[client].first_byte.has_value());
    told_[client].first_byte = now_us - kBegin;
  }
  void ended(std::size_t client, Outcome outcome, bool closed) override {
    EXPECT_FALSE(told_[client].outcome.has_value()) << "it ends once";
    told_[client].outcome = outcome;
    told_[client].closed = closed;
  }

  std::deque<std::vector<std::byte>> frames_;
  std::uint64_t now_ = kBegin;
};
inline const ClientManners kSilent{};
inline const ClientManners kAsking{.request = "GET /\r\n", .asks = true, .expect = "HTTP"};
inline constexpr std::uint32_t kAsked = 7;  // bytes

}  // namespace synward::load
