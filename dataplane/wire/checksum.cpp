#include "dataplane/wire/checksum.hpp"

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

}  // namespace

std::uint64_t add_bytes(std::uint64_t sum, std::span<const std::byte> bytes) {
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

}  // namespace synward::wire
