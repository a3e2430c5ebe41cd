#include "dataplane/wire/checksum.hpp"

#include <algorithm>
#include <cstring>

namespace synward::wire {
namespace {

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// At most 7 bytes as one little-endian integer, zeros behind them.
std::uint64_t load_few(const std::byte* at, std::size_t bytes) {
  if (bytes >= 4) {  // two loads that overlap; of the second one only what the first has not seen
    const std::uint64_t last = load<std::uint32_t>(at + bytes - 4);
    return load<std::uint32_t>(at) | last >> (8 * (8 - bytes)) << 32;
  }
  if (bytes >= 2)
    return load<std::uint16_t>(at) | (bytes == 2 ? 0u : std::uint32_t{load<std::uint8_t>(at + 2)} << 16);
  return bytes == 0 ? 0 : load<std::uint8_t>(at);
}

// Long spans are summed by registers of eight words. The plain sum, which wraps, and that of the upper halves
// give the sum of the lower ones: three instructions for 32 bytes, and no carry to count.
using Register = std::uint32_t __attribute__((vector_size(32)));
constexpr std::size_t kRegisterBytes = sizeof(Register);
/// A lane holds the sum of so many halves without overflow.
constexpr std::size_t kMostRegisters = 0x1'0000;

/// The sum of the halves of the words of `count` registers, at most kMostRegisters.
#ifdef __x86_64__
__attribute__((target_clones("avx2", "default")))
#endif
std::uint64_t
sum_of_registers(const std::byte* at, std::size_t count) {
  Register plain{}, upper{}, words, plain2{}, upper2{}, words2;  // two chains of additions, to overlap
  for (; count >= 2; count -= 2, at += 2 * kRegisterBytes) {
    std::memcpy(&words, at, kRegisterBytes);
    std::memcpy(&words2, at + kRegisterBytes, kRegisterBytes);
    plain += words;
    upper += words >> 16;
    plain2 += words2;
    upper2 += words2 >> 16;
  }
  if (count != 0) {
    std::memcpy(&words, at, kRegisterBytes);
    plain += words;
    upper += words >> 16;
  }
  upper += upper2;
  const Register lower = plain + plain2 - (upper << 16);
  std::uint64_t sum = 0;
  for (std::size_t lane = 0; lane < kRegisterBytes / 4; ++lane)
    sum += std::uint64_t{lower[lane]} + upper[lane];
  return sum;
}

/// What is no long span.
[[gnu::always_inline]] inline std::uint64_t add_short(std::uint64_t sum, std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  const std::size_t size = bytes.size();
  if (size < 8) return add_sums(sum, load_few(at, size));

  // Carries are counted and come round once, at the end: an add and an adc per word. (A 128-bit accumulator
  // says the same, but gcc 12 spills it: 40 bytes take half as long again.)
  std::uint64_t carries = 0;
  const auto add = [&sum, &carries](std::uint64_t word) {
    sum += word;
    carries += sum < word ? 1 : 0;
  };
  const std::byte* const end = at + size;
  for (; end - at >= 32; at += 32) {
    add(load<std::uint64_t>(at));
    add(load<std::uint64_t>(at + 8));
    add(load<std::uint64_t>(at + 16));
    add(load<std::uint64_t>(at + 24));
  }
  if ((size & 16) != 0) {
    add(load<std::uint64_t>(at));
    add(load<std::uint64_t>(at + 8));
    at += 16;
  }
  if ((size & 8) != 0) add(load<std::uint64_t>(at));
  // The last 1 to 7 bytes lie at the top of the last 8; what is below them was summed above.
  if ((size & 7) != 0) add(load<std::uint64_t>(end - 8) >> (8 * (8 - (size & 7))));
  return add_sums(sum, carries);
}

constexpr std::size_t kLong = 128;
[[gnu::noinline]] std::uint64_t add_long(std::uint64_t sum, std::span<const std::byte> bytes) {
  do {
    const std::size_t registers = std::min(bytes.size() / kRegisterBytes, kMostRegisters);
    sum = add_sums(sum, sum_of_registers(bytes.data(), registers));
    bytes = bytes.subspan(registers * kRegisterBytes);
  } while (bytes.size() >= kRegisterBytes);
  return add_short(sum, bytes);
}

}  // namespace

std::uint64_t add_bytes(std::uint64_t sum, std::span<const std::byte> bytes) {
  return bytes.size() < kLong ? add_short(sum, bytes) : add_long(sum, bytes);
}

}  // namespace synward::wire
