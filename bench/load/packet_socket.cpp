#include "bench/load/packet_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace synward::load {

PacketSocket::PacketSocket(const std::string& interface) {
  index_ = static_cast<int>(if_nametoindex(interface.c_str()));
  if (index_ == 0)
    throw std::runtime_error("there is no interface \"" + interface +
                             "\"; \"ip link\" lists those there are");
  fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // protocol 0: it receives nothing
  if (fd_ < 0)
    throw std::runtime_error("no packet socket (" + std::string{std::strerror(errno)} + "): run as root");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = index_;
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd_, generic, sizeof address) != 0 || ::getsockname(fd_, generic, &length) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd_);
    throw std::runtime_error("interface \"" + interface + "\" cannot be used (" + why + ")");
  }
  std::copy_n(address.sll_addr, mac_.bytes.size(), mac_.bytes.begin());
  const int on = 1;  // straight to the driver; a kernel that refuses sends through its queue
  ::setsockopt(fd_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
}

PacketSocket::~PacketSocket() { ::close(fd_); }

std::size_t PacketSocket::send(std::span<const std::span<std::byte>> frames) const {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors;
  const std::size_t count = std::min(frames.size(), kBatch);
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {frames[i].data(), frames[i].size()};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  return static_cast<std::size_t>(
      std::max(0, ::sendmmsg(fd_, messages.data(), static_cast<unsigned>(count), 0)));
}

}  // namespace synward::load
