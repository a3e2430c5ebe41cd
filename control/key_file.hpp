// The key ring of a fleet, as a file: whoever has it mints and validates the same cookies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/cookie/slot_keys.hpp"

namespace synward::control {

/// No sentence that these throw holds a secret, nor a part of one.

/// What parse_keys() takes, in a file that belongs to root or this user and that nobody else may read or
/// write. Throws std::runtime_error, one sentence that begins with `path`.
[[nodiscard]] cookie::KeyRing read_key_file(const std::string& path);

/// TOML: `version = 1`, and one to three [[key]], oldest first, each with the `first_slot` that it serves (64
/// s each, counted from 1970 UTC) and a `secret` of 32 hexadecimal digits. Throws std::runtime_error, as
/// above.
[[nodiscard]] cookie::KeyRing parse_keys(std::string_view text, const std::string& path);

/// The whole file or nothing, mode 0600. Unless `replace`, there must be none. Throws std::runtime_error.
void write_key_file(const std::string& path, const cookie::KeyRing& ring, bool replace);

/// `ring` with one more master, at random, that serves from `first` on, and without those whose last cookies
/// have died by `now`, whichever node's clock is asked. Throws std::runtime_error, one sentence, while
/// another master is waiting for its time, and while all three are needed.
[[nodiscard]] cookie::KeyRing rotated(const cookie::KeyRing& ring, cookie::Slot now, cookie::Slot first);

/// A row for each master: an id by which nodes can be compared, when it begins, and what it does at `wall_ms`
/// (since 1970 UTC). No secrets.
[[nodiscard]] std::string keys_text(const cookie::KeyRing& ring, std::uint64_t wall_ms);

}  // namespace synward::control
