#include "bench/load/neighbor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/ether.h>
#include <optional>
#include <span>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace synward::load {
namespace {

constexpr int kTries = 150;
constexpr useconds_t kBetweenTriesUs = 20'000;

struct Request {
  nlmsghdr header;
  ndmsg message;
  alignas(rtattr) std::array<std::byte, RTA_LENGTH(16)> destination;
};

Request request(int interface_index, const IpAddress& address) {
  Request made{};
  made.message.ndm_family = address.index() == 0 ? AF_INET : AF_INET6;
  made.message.ndm_ifindex = interface_index;
  std::visit(
      [&](const auto& a) {
        auto* const attribute = reinterpret_cast<rtattr*>(made.destination.data());
        attribute->rta_type = NDA_DST;
        attribute->rta_len = RTA_LENGTH(sizeof a.bytes);
        std::ranges::copy(std::as_bytes(std::span{a.bytes}), static_cast<std::byte*>(RTA_DATA(attribute)));
        made.header.nlmsg_len = NLMSG_LENGTH(sizeof made.message) + attribute->rta_len;
      },
      address);
  return made;
}

/// The kernel's neighbour tables, asked over a route netlink socket.
class NeighborTables {
 public:
  NeighborTables() : fd_{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)} {
    if (fd_ < 0) throw std::runtime_error("no netlink socket: " + std::string{std::strerror(errno)});
  }
  ~NeighborTables() { ::close(fd_); }
  NeighborTables(NeighborTables&&) = delete;

  /// Lets the kernel begin to resolve, as if it had something to send there.
  void use(Request request) const {
    request.header.nlmsg_type = RTM_NEWNEIGH;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
    request.message.ndm_flags = NTF_USE;
    alignas(nlmsghdr) std::array<std::byte, 4096> reply;
    ask(request, reply);
    if (const int error = error_in(reply); error != 0)
      throw std::runtime_error("the kernel resolves no neighbour (" + std::string{std::strerror(error)} +
                               "): run as root, or give --mac");
  }
  /// Nullopt as long as it is not resolved.
  [[nodiscard]] std::optional<wire::MacAddress> find(Request request) const {
    request.header.nlmsg_type = RTM_GETNEIGH;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    alignas(nlmsghdr) std::array<std::byte, 4096> reply;
    ask(request, reply);
    const auto* header = reinterpret_cast<const nlmsghdr*>(reply.data());
    if (header->nlmsg_type != RTM_NEWNEIGH) return std::nullopt;
    wire::MacAddress mac;
    rtattr attribute;
    for (std::size_t at = NLMSG_LENGTH(sizeof(ndmsg)); at + RTA_LENGTH(sizeof mac) <= header->nlmsg_len;
         at += std::max<std::size_t>(RTA_ALIGN(attribute.rta_len), RTA_LENGTH(0))) {
      std::memcpy(&attribute, reply.data() + at, sizeof attribute);
      if (attribute.rta_type != NDA_LLADDR || attribute.rta_len != RTA_LENGTH(sizeof mac)) continue;
      std::memcpy(&mac, reply.data() + at + RTA_LENGTH(0), sizeof mac);
      return mac;
    }
    return std::nullopt;
  }

 private:
  void ask(const Request& request, std::span<std::byte> reply) const {
    if (::send(fd_, &request, request.header.nlmsg_len, 0) < 0 ||
        ::recv(fd_, reply.data(), reply.size(), 0) < 0)
      throw std::runtime_error("netlink: " + std::string{std::strerror(errno)});
  }
  static int error_in(std::span<const std::byte> reply) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(reply.data());
    if (header->nlmsg_type != NLMSG_ERROR) return EPROTO;
    return -reinterpret_cast<const nlmsgerr*>(reply.data() + NLMSG_HDRLEN)->error;
  }
  int fd_;
};

}  // namespace

wire::MacAddress resolve_neighbor(int interface_index, const IpAddress& address) {
  const Request about = request(interface_index, address);
  const NeighborTables tables;
  tables.use(about);
  for (int tried = 0; tried < kTries; ++tried) {
    if (const auto mac = tables.find(about)) return *mac;
    ::usleep(kBetweenTriesUs);
  }
  throw std::runtime_error(
      "no station on the interface's link has the target's address; is it up, or give --mac");
}

wire::MacAddress parse_mac(const std::string& text) {
  ether_addr parsed{};
  if (ether_aton_r(text.c_str(), &parsed) == nullptr)
    throw std::invalid_argument(text + ": a MAC address is like 02:00:00:00:00:0a");
  wire::MacAddress mac;
  std::copy_n(parsed.ether_addr_octet, mac.bytes.size(), mac.bytes.begin());
  return mac;
}

}  // namespace synward::load
