#include "control/trace/pcapng.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace synward::control {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET
constexpr std::uint16_t kEndOfOptions = 0, kComment = 1, kInterfaceName = 2, kFlags = 2, kApplication = 4,
                        kTimeResolution = 9;
constexpr std::uint8_t kNanoseconds = 9;  // 10^-9 s
constexpr std::size_t kLongestOption = 0xffff;

class Block {
 public:
  explicit Block(std::uint32_t type) {
    add(type);
    add(std::uint32_t{0});  // its length, when it is known
  }
  template <typename Number>
  void add(Number number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void add_bytes(const void* bytes, std::size_t count) {
    bytes_.append(static_cast<const char*>(bytes), count);
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
  }
  void add_option(std::uint16_t code, std::string_view value) {
    value = value.substr(0, kLongestOption);
    add(code);
    add(static_cast<std::uint16_t>(value.size()));
    add_bytes(value.data(), value.size());
  }
  /// The whole block.
  [[nodiscard]] std::string end() {
    add(std::uint32_t{kEndOfOptions});  // code and length, both 0
    const auto length = static_cast<std::uint32_t>(bytes_.size() + sizeof(std::uint32_t));
    add(length);
    std::memcpy(bytes_.data() + sizeof(std::uint32_t), &length, sizeof length);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

template <typename Number>
std::string_view bytes_of(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

}  // namespace

Pcapng::Pcapng(const std::string& path)
    : path_{path}, file_{path == "-" ? stdout : std::fopen(path.c_str(), "wbe")} {
  if (file_ == nullptr) throw std::runtime_error(path + " cannot be made: " + std::strerror(errno));
  Block section{kSectionHeader};
  section.add(kByteOrderMagic);
  section.add(std::uint16_t{1});  // version 1.0
  section.add(std::uint16_t{0});
  section.add(~std::uint64_t{0});  // nobody knows yet how long the section gets
  section.add_option(kApplication, std::string{"synward "} + SYNWARD_VERSION);
  write_bytes(section.end());
}

Pcapng::~Pcapng() {
  if (file_ != stdout) std::fclose(file_);
}

std::uint32_t Pcapng::interface_of(const std::string& port) {
  const auto [found, is_new] = interfaces_.try_emplace(port, static_cast<std::uint32_t>(interfaces_.size()));
  if (is_new) {
    Block block{kInterface};
    block.add(kEthernet);
    block.add(std::uint16_t{0});
    block.add(std::uint32_t{0});  // no limit: each packet says how much of it there is
    block.add_option(kInterfaceName, port);
    block.add_option(kTimeResolution, bytes_of(kNanoseconds));
    write_bytes(block.end());
  }
  return found->second;
}

void Pcapng::write(const Packet& packet) {
  const std::uint32_t interface = interface_of(packet.port);
  Block block{kEnhancedPacket};
  block.add(interface);
  block.add(static_cast<std::uint32_t>(packet.wall_ns >> 32));
  block.add(static_cast<std::uint32_t>(packet.wall_ns));
  block.add(static_cast<std::uint32_t>(packet.kept.size()));
  block.add(static_cast<std::uint32_t>(packet.bytes));
  block.add_bytes(packet.kept.data(), packet.kept.size());
  block.add_option(kComment, packet.comment);
  block.add_option(kFlags, bytes_of(packet.direction));
  write_bytes(block.end());
}

void Pcapng::write_bytes(const std::string& block) {
  if (std::fwrite(block.data(), 1, block.size(), file_) != block.size())
    throw std::runtime_error(path_ + ": not all could be written: " + std::strerror(errno));
}

void Pcapng::flush() {
  if (std::fflush(file_) != 0)
    throw std::runtime_error(path_ + ": not all could be written: " + std::strerror(errno));
}

}  // namespace synward::control
