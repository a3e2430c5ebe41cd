#include "dataplane/wire/checksum.hpp"

#include <cstring>

namespace synward::wire {
namespace {

__extension__ using Wide = unsigned __int128;

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// At most 7 bytes as one little-endian integer, zeros behind them.
std::uint64_t load_few(const std::byte* at, std::size_t bytes) {
  std::uint64_t value = 0;
  std::size_t done = 0;
  if ((bytes & 4) != 0) value = load<std::uint32_t>(at), done = 4;
  if ((bytes & 2) != 0) value |= std::uint64_t{load<std::uint16_t>(at + done)} << (8 * done), done += 2;
  if ((bytes & 1) != 0) value |= std::uint64_t{load<std::uint8_t>(at + done)} << (8 * done);
  return value;
}

}  // namespace

std::uint64_t add_bytes(std::uint64_t sum, std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  const std::size_t size = bytes.size();
  if (size < 8) return add_sums(sum, load_few(at, size));

  // 128 bits: the carries pile up in the upper half instead of travelling around after each word.
  Wide even = sum, odd = 0;
  const std::byte* const end = at + size;
  for (; end - at >= 32; at += 32) {
    even += load<std::uint64_t>(at);
    odd += load<std::uint64_t>(at + 8);
    even += load<std::uint64_t>(at + 16);
    odd += load<std::uint64_t>(at + 24);
  }
  if ((size & 16) != 0) {
    even += load<std::uint64_t>(at);
    odd += load<std::uint64_t>(at + 8);
    at += 16;
  }
  if ((size & 8) != 0) even += load<std::uint64_t>(at);
  // The last 1 to 7 bytes lie at the top of the last 8; what is below them was summed above.
  if ((size & 7) != 0) odd += load<std::uint64_t>(end - 8) >> (8 * (8 - (size & 7)));
  even += odd;
  return add_sums(static_cast<std::uint64_t>(even), static_cast<std::uint64_t>(even >> 64));
}

}  // namespace synward::wire
