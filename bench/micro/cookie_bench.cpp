// What a cookie costs, per packet, beside what Linux computes for one: two SipHash-2-4 over the tuple
// (net/ipv4/syncookies.c). Batches of 64, as in a burst; items are packets.
#include <cstring>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/report.hpp"
#include "bench/micro/siphash.hpp"
#include "dataplane/cookie/cookie.hpp"

namespace synward::cookie {
namespace {

constexpr std::size_t kBurst = 64;
constexpr std::uint64_t kNow = 28'000'000 * kSlotMs + 30'000;

template <typename T>
std::vector<T> random_items(std::size_t n) {
  std::mt19937_64 random{1};
  std::vector<T> items(n);
  for (T& item : items)
    for (std::size_t at = 0; at < sizeof(T); at += 8) {
      const std::uint64_t word = random();
      std::memcpy(reinterpret_cast<std::byte*>(&item) + at, &word, 8);
    }
  return items;
}

const SlotKeys& slot_keys() {
  static const Master master{.key = {}, .first = {0}};
  static const SlotKeys keys(crypto::best_aes(), KeyRing(std::span(&master, 1)), kNow);
  return keys;
}

void count_packets(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(kBurst) * static_cast<std::int64_t>(state.iterations()));
}

void aes(benchmark::State& state, const crypto::Aes* aes) {
  if (aes == nullptr) return state.SkipWithError("this CPU lacks it");
  const auto key = crypto::expand_key({});
  const auto in = random_items<crypto::AesBlock>(kBurst);
  std::vector<crypto::AesBlock> out(kBurst);
  for (auto _ : state) {
    aes->encrypt(key, in.data(), out.data(), kBurst);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_packets(state);
}
BENCHMARK_CAPTURE(aes, portable, &crypto::portable_aes())->Name("AES alone, portable/IPv4");
BENCHMARK_CAPTURE(aes, aesni, crypto::aesni_aes())->Name("AES alone, AES-NI/IPv4");

/// Half of the clients like Linux, half like Windows.
std::vector<ClientOptions> offers() {
  std::vector<ClientOptions> offers(kBurst,
                                    {.mss = 1460, .window_scale = std::uint8_t{8}, .sack_permitted = true});
  for (std::size_t i = 0; i < kBurst; i += 2) offers[i].timestamps = true;
  return offers;
}

template <wire::Family kFamily>
void make_cookies(benchmark::State& state) {
  const auto messages = random_items<Message<kFamily>>(kBurst);
  const auto offered = offers();
  std::vector<Cookie> cookies(kBurst);
  for (auto _ : state) {
    cookie::make_cookies<kFamily>(slot_keys(), messages.data(), offered.data(), cookies.data(), kBurst);
    benchmark::DoNotOptimize(cookies.data());
    benchmark::ClobberMemory();
  }
  count_packets(state);
}
BENCHMARK_TEMPLATE(make_cookies, wire::Family::kIpv4)->Name("mint/IPv4");
BENCHMARK_TEMPLATE(make_cookies, wire::Family::kIpv6)->Name("mint/IPv6");

/// `forged`: a flood of ACKs with random numbers, whose parities are mixed; otherwise every ACK is genuine.
template <wire::Family kFamily, bool kForged>
void check_cookies(benchmark::State& state) {
  const auto messages = random_items<Message<kFamily>>(kBurst);
  const auto offered = offers();
  std::vector<Cookie> cookies(kBurst);
  cookie::make_cookies<kFamily>(slot_keys(), messages.data(), offered.data(), cookies.data(), kBurst);
  const auto noise = random_items<std::uint64_t>(kBurst);
  std::vector<CookieAck> acks(kBurst);
  for (std::size_t i = 0; i < kBurst; ++i) {
    acks[i].isn = kForged ? wire::SeqNum{static_cast<std::uint32_t>(noise[i])} : cookies[i].isn;
    if (offered[i].timestamps) acks[i].tsecr = cookies[i].tsval;
  }
  std::vector<std::optional<Admission>> admissions(kBurst);
  for (auto _ : state) {
    cookie::check_cookies<kFamily>(slot_keys(), messages.data(), acks.data(), admissions.data(), kBurst);
    benchmark::DoNotOptimize(admissions.data());
    benchmark::ClobberMemory();
  }
  count_packets(state);
}
BENCHMARK_TEMPLATE(check_cookies, wire::Family::kIpv4, false)->Name("check, genuine/IPv4");
BENCHMARK_TEMPLATE(check_cookies, wire::Family::kIpv4, true)->Name("check, forged at random/IPv4");
BENCHMARK_TEMPLATE(check_cookies, wire::Family::kIpv6, false)->Name("check, genuine/IPv6");
BENCHMARK_TEMPLATE(check_cookies, wire::Family::kIpv6, true)->Name("check, forged at random/IPv6");

/// Linux' secure_tcp_syn_cookie, IPv4: one hash of the tuple, one of the tuple and the minute, 16 bytes each.
void linux_two_siphash(benchmark::State& state) {
  const auto messages = random_items<std::array<std::uint64_t, 2>>(kBurst);
  const bench::SipKey keys[2] = {{1, 2}, {3, 4}};
  std::vector<std::uint32_t> cookies(kBurst);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      const std::uint64_t message[2] = {messages[i][0], messages[i][1]};
      cookies[i] =
          static_cast<std::uint32_t>(bench::siphash(keys[0], message) + bench::siphash(keys[1], message));
    }
    benchmark::DoNotOptimize(cookies.data());
    benchmark::ClobberMemory();
  }
  count_packets(state);
}
BENCHMARK(linux_two_siphash)->Name("what Linux mints with: two SipHash/IPv4");

}  // namespace
}  // namespace synward::cookie

int main(int argc, char** argv) {
  return synward::bench::run(argc, argv, synward::bench::Order::kInterleaved);
}
