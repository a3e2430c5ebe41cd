#pragma once

#include <stdexcept>

namespace synward::nic {

/// Something of the environment is not as it must be; what() is one sentence that says what to do. Thrown at
/// start only.
struct SetupError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace synward::nic
