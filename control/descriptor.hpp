// A file descriptor, closed with whoever has it.
#pragma once

#include <unistd.h>
#include <utility>

namespace synward::control {

class Descriptor {
 public:
  /// Negative: none.
  explicit Descriptor(int descriptor) : descriptor_{descriptor} {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(Descriptor&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}

  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace synward::control
