// Where bytes become headers: the casts of wire/, in one place. A leaf: bytes only.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace synward::wire {

/// A struct that describes bytes of a frame: legal at any address, no padding that could leak, no invariants.
template <typename T>
concept WireLayout = alignof(T) == 1 && std::is_trivially_copyable_v<T>&& std::is_standard_layout_v<T>;

/// The beginning of `bytes` as a T; null when `bytes` is shorter than that.
template <WireLayout T>
[[nodiscard]] inline const T* view_as(std::span<const std::byte> bytes) {
  return bytes.size() < sizeof(T) ? nullptr : reinterpret_cast<const T*>(bytes.data());
}

/// sizeof(T) bytes at `at` as a T: for emitters, and for readers that have made sure that the bytes are
/// there.
template <WireLayout T>
[[nodiscard]] inline T& overlay(std::byte* at) {
  return *reinterpret_cast<T*>(at);
}
template <WireLayout T>
[[nodiscard]] inline const T& overlay(const std::byte* at) {
  return *reinterpret_cast<const T*>(at);
}

}  // namespace synward::wire
