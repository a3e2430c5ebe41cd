// A capture that says of each packet what became of it: pcapng, which Wireshark, tshark and tcpdump read.
//
// By hand: libpcap writes no comments, and DPDK's rte_pcapng of 22.11 neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>

namespace synward::control {

/// One section (IETF draft-ietf-opsawg-pcapng), in this machine's byte order; an interface for each of
/// synward's ports, when its first packet comes.
class Pcapng {
 public:
  enum class Direction : std::uint32_t { kInbound = 1, kOutbound = 2 };
  struct Packet {
    std::string port;
    std::uint64_t wall_ns;            ///< since 1970 UTC
    std::span<const std::byte> kept;  ///< the beginning of
    std::size_t bytes;                ///< so many
    Direction direction;
    std::string comment;  ///< UTF-8
  };

  /// "-": standard output. Throws std::runtime_error, one sentence, when it cannot be made.
  explicit Pcapng(const std::string& path);
  ~Pcapng();
  Pcapng(const Pcapng&) = delete;
  Pcapng& operator=(const Pcapng&) = delete;

  /// Throws std::runtime_error, one sentence, when there is no room for it.
  void write(const Packet& packet);
  /// What was written is there for whoever reads. Throws the same.
  void flush();

 private:
  void write_bytes(const std::string& block);
  [[nodiscard]] std::uint32_t interface_of(const std::string& port);

  std::string path_;
  std::FILE* file_;
  std::map<std::string, std::uint32_t> interfaces_;
};

}  // namespace synward::control
