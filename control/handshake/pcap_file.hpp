// A capture file as tcpdump and Wireshark read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>

namespace synward::control {

/// The classic format, version 2.4, Ethernet, microseconds.
class PcapFile {
 public:
  /// Overwrites `path`. Throws std::system_error, which names the file, like the others.
  explicit PcapFile(std::string path);
  void add(std::uint64_t time_us, std::span<const std::byte> frame);
  /// What is not closed may be incomplete.
  void close();

 private:
  void write(std::span<const std::byte> bytes);

  std::string path_;
  std::ofstream file_;
};

}  // namespace synward::control
