// Whole frames out of one interface of this machine.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "dataplane/wire/net_types.hpp"

namespace synward::load {

/// An AF_PACKET socket that only sends. Wants CAP_NET_RAW.
class PacketSocket {
 public:
  /// Throws std::runtime_error, one sentence.
  explicit PacketSocket(const std::string& interface);
  ~PacketSocket();
  PacketSocket(PacketSocket&&) = delete;

  static constexpr std::size_t kBatch = 64;
  /// Sends up to kBatch frames in one system call; returns how many the interface took.
  [[nodiscard]] std::size_t send(std::span<const std::span<std::byte>> frames) const;
  [[nodiscard]] const wire::MacAddress& mac() const { return mac_; }
  [[nodiscard]] int interface_index() const { return index_; }

 private:
  int fd_ = -1;
  int index_ = 0;
  wire::MacAddress mac_{};
};

}  // namespace synward::load
