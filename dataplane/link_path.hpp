// How a client is reached when there is no frame of its own to turn round: the two stations of the link that
// its segments pass, with their VLAN tags. Clients are many, their routers few.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "dataplane/wire/net_types.hpp"

namespace synward {

/// Up to two VLAN tags, as they lie in the frame between the addresses and the EtherType.
inline constexpr std::size_t kMaxTagBytes = 8;

struct LinkPath {
  wire::MacAddress local{};     ///< to which the client's frames are addressed: our own, or the backend's way
  wire::MacAddress peer{};      ///< from which they come
  std::uint16_t port = 0;       ///< index of the port by which they come
  std::uint16_t tag_bytes = 0;  ///< 0, 4 or 8
  std::array<std::byte, kMaxTagBytes> tags{};

  /// All of it. Whoever makes paths per packet makes them of words, and whoever looks at them does so too:
  /// what was stored in smaller pieces than it is read in keeps the reader waiting until every store before
  /// is done.
  using Words = std::array<std::uint64_t, 3>;
  [[nodiscard]] Words words() const { return std::bit_cast<Words>(*this); }

  friend bool operator==(const LinkPath& a, const LinkPath& b) {
    const Words x = a.words(), y = b.words();
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
  }
};
static_assert(sizeof(LinkPath) == sizeof(LinkPath::Words) &&
              std::has_unique_object_representations_v<LinkPath>);

/// Every path that a connection of this core has come by. Paths are never forgotten; only clients that proved
/// their address add one, so a flood adds none.
class LinkPaths {
 public:
  using Index = std::uint16_t;
  static constexpr std::size_t kCapacity = 4096;
  static constexpr Index kNone = 0xffff;

  /// Of the hash, random: a neighbour that chooses its addresses must not choose where they lie.
  struct Key {
    std::uint64_t first, second, third, addend;
  };
  explicit LinkPaths(const Key& key) : key_{key}, slots_(kSlots, kNone) { paths_.reserve(kCapacity); }

  /// kNone when there are kCapacity others already, or in the rare case that those near its place are too
  /// many.
  [[nodiscard]] Index intern(const LinkPath& path) {
    std::size_t slot = slot_of(path);
    for (int probes = 0; probes < kMostProbes; ++probes, slot = (slot + 1) % kSlots) {
      if (slots_[slot] != kNone) {
        if (paths_[slots_[slot]] == path) return slots_[slot];
        continue;
      }
      if (paths_.size() == kCapacity) return kNone;
      paths_.push_back(path);
      return slots_[slot] = static_cast<Index>(paths_.size() - 1);
    }
    return kNone;
  }
  [[nodiscard]] const LinkPath& operator[](Index index) const { return paths_[index]; }

 private:
  static constexpr std::size_t kSlots = 2 * kCapacity;
  static constexpr int kMostProbes = 64;

  /// From the upper bits of the products, to which every bit counts (multiply-add-shift): the addresses of
  /// neighbouring routers often differ in the last byte only.
  [[nodiscard]] std::size_t slot_of(const LinkPath& path) const {
    const LinkPath::Words words = path.words();
    const std::uint64_t h = words[0] * (key_.first | 1) + words[1] * (key_.second | 1) +
                            words[2] * (key_.third | 1) + key_.addend;
    return h >> (64 - std::bit_width(kSlots - 1));
  }

  Key key_;
  std::vector<LinkPath> paths_;
  std::vector<Index> slots_;  ///< open addressing, at most half full
};

}  // namespace synward
