// Secrets that are drawn at start and die with the process.
#pragma once

#include <stdexcept>
#include <sys/random.h>
#include <type_traits>

namespace synward::control {

/// Every bit of a T at random, getrandom(2). Throws std::runtime_error when the kernel gives none.
template <typename T>
[[nodiscard]] T random_value() {
  static_assert(std::has_unique_object_representations_v<T>);
  T value;
  if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
    throw std::runtime_error("the kernel gives no random numbers");
  return value;
}

}  // namespace synward::control
