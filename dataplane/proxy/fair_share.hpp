// What a core has a limited number of, places for handshakes and held packets, divided among backends: each
// may have at most kGenerosity times what is still free (dynamic thresholds: Choudhury and Hahne, 1998). So
// one alone has four fifths, two that want all have four ninths each, and a slow or silent one never keeps
// the others out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace synward::proxy {

/// One core's. An owner is a BackendProfiles::Index; those that are kOwners apart have one share.
class FairShare {
 public:
  static constexpr std::size_t kGenerosity = 4, kOwners = 4096;

  explicit FairShare(std::size_t most) : free_{most} {}
  /// False when `owner` has its share.
  [[nodiscard]] bool take(std::uint16_t owner) {
    std::uint32_t& taken = taken_[owner % kOwners];
    if (taken >= kGenerosity * free_) return false;
    ++taken, --free_, ++size_;
    return true;
  }
  /// `n` of those that it took.
  void give_back(std::uint16_t owner, std::size_t n) {
    taken_[owner % kOwners] -= static_cast<std::uint32_t>(n);
    free_ += n, size_ -= n;
  }
  [[nodiscard]] std::size_t size() const { return size_; }  ///< taken by all

 private:
  std::size_t free_, size_ = 0;
  std::array<std::uint32_t, kOwners> taken_{};
};

}  // namespace synward::proxy
