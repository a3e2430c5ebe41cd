#include "control/handshake/pcap_file.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace synward::control {
namespace {

// In this machine's byte order: readers find it out by the magic number.
struct FileHeader {
  std::uint32_t magic = 0xa1b2c3d4;
  std::uint16_t major = 2, minor = 4;
  std::uint32_t time_zone = 0, accuracy = 0, longest_frame = 262144, link_type = 1;
};
struct FrameHeader {
  std::uint32_t seconds, microseconds, captured_bytes, original_bytes;
};
static_assert(sizeof(FileHeader) == 24 && sizeof(FrameHeader) == 16);

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span{&value, 1});
}

}  // namespace

PcapFile::PcapFile(std::string path) : path_{std::move(path)} {
  errno = 0;
  file_.open(path_, std::ios::binary | std::ios::trunc);
  write(bytes_of(FileHeader{}));
}

void PcapFile::add(std::uint64_t time_us, std::span<const std::byte> frame) {
  const auto bytes = static_cast<std::uint32_t>(frame.size());
  write(bytes_of(FrameHeader{.seconds = static_cast<std::uint32_t>(time_us / 1'000'000),
                             .microseconds = static_cast<std::uint32_t>(time_us % 1'000'000),
                             .captured_bytes = bytes,
                             .original_bytes = bytes}));
  write(frame);
}

void PcapFile::close() {
  file_.close();
  write({});
}

void PcapFile::write(std::span<const std::byte> bytes) {
  file_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file_) throw std::system_error{errno, std::generic_category(), "cannot write " + path_};
}

}  // namespace synward::control
