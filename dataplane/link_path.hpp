// How a client is reached when there is no frame of its own to turn round: the two stations of the link that
// its segments pass, with their VLAN tags. Clients are many, their routers few.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
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

  friend bool operator==(const LinkPath&, const LinkPath&) = default;
};

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
  explicit LinkPaths(const Key& key) : key_{key}, slots_(2 * kCapacity, kNone) { paths_.reserve(kCapacity); }

  /// kNone when there are kCapacity others already, or in the rare case that those near its place are too
  /// many.
  [[nodiscard]] Index intern(const LinkPath& path) {
    std::size_t slot = slot_of(path);
    for (int probes = 0; probes < kMostProbes; ++probes, slot = (slot + 1) % slots_.size()) {
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
  static constexpr int kMostProbes = 64;

  /// From the upper bits of the products, to which every bit counts (multiply-add-shift): the addresses of
  /// neighbouring routers often differ in the last byte only.
  [[nodiscard]] std::size_t slot_of(const LinkPath& path) const {
    std::array<std::uint64_t, 3> words{};
    std::memcpy(words.data(), &path.peer, sizeof path.peer);
    std::memcpy(&words[1], path.tags.data(), path.tags.size());
    std::memcpy(&words[2], &path.local, sizeof path.local);
    words[0] |= std::uint64_t{path.port} << 48;  // above the MAC address
    const std::uint64_t h = words[0] * (key_.first | 1) + words[1] * (key_.second | 1) +
                            words[2] * (key_.third | 1) + key_.addend;
    return h >> (64 - std::bit_width(2 * kCapacity - 1));
  }

  Key key_;
  std::vector<LinkPath> paths_;
  std::vector<Index> slots_;  ///< open addressing, at most half full
};

}  // namespace synward
