// Bytes that a test owns.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/wire/view.hpp"

namespace synward::test {

using Bytes = std::vector<std::byte>;

/// A header as it lies on the wire.
template <wire::WireLayout T>
Bytes bytes_of(const T& value) {
  const auto bytes = std::as_bytes(std::span{&value, 1});
  return {bytes.begin(), bytes.end()};
}
inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span{text});
  return {bytes.begin(), bytes.end()};
}
/// Numbers as one reads them off a dump: bytes_of({0x02, 0x04, 0x05, 0xb4}).
inline Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  bytes.reserve(values.size());  // no slack: ASan sees one byte too far
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

inline void append(Bytes& to, std::span<const std::byte> what) {
  to.insert(to.end(), what.begin(), what.end());
}

}  // namespace synward::test
