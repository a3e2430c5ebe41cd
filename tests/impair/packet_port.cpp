#include "tests/impair/packet_port.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <optional>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "dataplane/wire/ethernet.hpp"

namespace synward::impair {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kBeforeTag = offsetof(wire::EthernetHeader, ether_type);
// A queue of 20,000 frames may come at once; the kernel takes 2,304 bytes for one of 1,514.
constexpr int kSocketBuffer = 64 << 20;

union Control {
  cmsghdr first;  // aligns
  char bytes[CMSG_SPACE(sizeof(tpacket_auxdata))];
};

[[noreturn]] void refuse(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

template <typename T>
void set(int fd, int level, int option, const T& value, const std::string& what) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) refuse(what);
}

/// The kernel takes the outer tag out of a frame before it shows it to anybody, and tells it beside.
std::optional<wire::VlanTag> tag_taken_out(const msghdr& message, wire::BigEndian16& announced_by) {
  const auto* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_PACKET || header->cmsg_type != PACKET_AUXDATA)
    return std::nullopt;
  tpacket_auxdata told;
  std::memcpy(&told, CMSG_DATA(header), sizeof told);
  if ((told.tp_status & TP_STATUS_VLAN_VALID) == 0) return std::nullopt;
  const bool named = (told.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
  announced_by = wire::BigEndian16{named ? told.tp_vlan_tpid : std::uint16_t(wire::EtherType::kVlan)};
  return wire::VlanTag{wire::BigEndian16{told.tp_vlan_tci}, {}};
}

Frame whole_frame(std::span<const std::byte> bytes, const msghdr& message) {
  wire::BigEndian16 announced_by;
  const auto tag = bytes.size() < kBeforeTag ? std::nullopt : tag_taken_out(message, announced_by);
  if (!tag) return {bytes.begin(), bytes.end()};
  const std::array inserted{announced_by, tag->tci};
  const auto tag_bytes = std::as_bytes(std::span{inserted});
  Frame frame;
  frame.reserve(bytes.size() + tag_bytes.size());
  frame.insert(frame.end(), bytes.begin(), bytes.begin() + kBeforeTag);
  frame.insert(frame.end(), tag_bytes.begin(), tag_bytes.end());
  frame.insert(frame.end(), bytes.begin() + kBeforeTag, bytes.end());
  return frame;
}

}  // namespace

PacketPort::PacketPort(std::string interface)
    : interface_{std::move(interface)}, buffers_(kBatch * kMostFrameBytes) {
  try {
    open();
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
}

PacketPort::~PacketPort() { ::close(fd_); }

void PacketPort::open() {
  const auto index = static_cast<int>(if_nametoindex(interface_.c_str()));
  if (index == 0)
    throw std::runtime_error("there is no interface \"" + interface_ +
                             "\"; \"ip link\" lists those there are");
  fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // protocol 0: nothing comes before join()
  if (fd_ < 0) refuse("no packet socket, run as root");
  set(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "the kernel cannot leave out what is sent (Linux 4.20)");
  set(fd_, SOL_PACKET, PACKET_AUXDATA, 1, "no VLAN tags");
  set(fd_, SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer, "no large socket buffer, run as root");
  set(fd_, SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer, "no large socket buffer, run as root");
  join(index);
}

void PacketPort::join(int index) {
  packet_mreq everything{};
  everything.mr_ifindex = index;
  everything.mr_type = PACKET_MR_PROMISC;
  set(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, everything, "\"" + interface_ + "\" cannot be promiscuous");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = index;
  address.sll_protocol = htons(ETH_P_ALL);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    refuse("interface \"" + interface_ + "\" cannot be used");
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0)
    throw std::runtime_error("interface \"" + interface_ + "\" is down; bring it up: ip link set " +
                             interface_ + " up");
}

PacketPort::Received PacketPort::receive() {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors;
  std::array<Control, kBatch> controls;
  for (std::size_t i = 0; i < kBatch; ++i) {
    vectors[i] = {&buffers_[i * kMostFrameBytes], kMostFrameBytes};
    messages[i].msg_hdr = {.msg_iov = &vectors[i],
                           .msg_iovlen = 1,
                           .msg_control = &controls[i],
                           .msg_controllen = sizeof controls[i]};
  }
  const int count = ::recvmmsg(fd_, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  // An interface that goes down says so once, with ENETDOWN, and may come up again.
  if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN)
    refuse("interface \"" + interface_ + "\" cannot be read");
  Received received;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
    const msghdr& message = messages[i].msg_hdr;
    if ((message.msg_flags & MSG_TRUNC) != 0) {
      ++received.too_long;
      continue;
    }
    const auto* begin = static_cast<const std::byte*>(vectors[i].iov_base);
    received.frames.push_back(whole_frame({begin, messages[i].msg_len}, message));
  }
  return received;
}

std::size_t PacketPort::send(std::span<const Frame> frames) const {
  std::size_t sent = 0;
  while (!frames.empty()) {
    std::array<mmsghdr, kBatch> messages{};
    std::array<iovec, kBatch> vectors;
    const std::size_t count = std::min(frames.size(), kBatch);
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<std::byte*>(frames[i].data()), frames[i].size()};  // iovec knows no const
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int taken = ::sendmmsg(fd_, messages.data(), static_cast<unsigned>(count), 0);
    if (taken < 0 && errno == EINTR) continue;
    sent += static_cast<std::size_t>(std::max(taken, 0));
    frames = frames.subspan(static_cast<std::size_t>(std::max(taken, 1)));  // an error concerns the first
  }
  return sent;
}

std::uint64_t PacketPort::missed() const {
  tpacket_stats statistics{};
  socklen_t length = sizeof statistics;
  ::getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &statistics, &length);
  return statistics.tp_drops;
}

}  // namespace synward::impair
