#include "dataplane/nic/kernel_interface.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace synward::nic {
namespace {

class Socket {
 public:
  Socket(int domain, int type) : descriptor_{socket(domain, type | SOCK_CLOEXEC, 0)} {}
  ~Socket() {
    if (is_open()) close(descriptor_);
  }
  Socket(Socket&&) = delete;
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

bool may_open_packet_sockets() {
  const Socket probe{AF_PACKET, SOCK_RAW};
  return probe.is_open() || errno != EPERM;
}

}  // namespace

std::string device_argument(const std::string& device, const std::string& key) {
  const std::string mark = "," + key + "=";
  const auto at = device.find(mark);
  if (at == std::string::npos) return {};
  const auto begin = at + mark.size();
  return device.substr(begin, device.find(',', begin) - begin);
}

std::size_t packet_ring_frame(const std::string& device) {
  if (!device.starts_with("net_af_packet")) return std::numeric_limits<std::size_t>::max();
  constexpr std::size_t kDefault = 2048,
                        kTpacketHeader = 32;  // the driver's, and what the kernel puts before
  const std::string given = device_argument(device, "framesz");
  const std::size_t frame = given.empty() ? kDefault : std::strtoul(given.c_str(), nullptr, 10);
  return std::max(frame, kTpacketHeader) - kTpacketHeader;
}

std::size_t packet_ring_frames(const std::string& device, std::size_t otherwise) {
  if (!device.starts_with("net_af_packet")) return otherwise;
  constexpr std::size_t kDefault = 512;
  const std::string given = device_argument(device, "framecnt");
  return given.empty() ? kDefault : std::strtoul(given.c_str(), nullptr, 10);
}

std::size_t packet_ring_queues(const std::string& device, std::size_t otherwise) {
  if (!device.starts_with("net_af_packet")) return otherwise;
  const std::string given = device_argument(device, "qpairs");
  return given.empty() ? 1 : std::strtoul(given.c_str(), nullptr, 10);
}

std::string has_too_few_queues(const std::string& device, std::size_t queues, std::size_t workers) {
  const std::string more = device.starts_with("net_af_packet")
                               ? "write qpairs=" + std::to_string(workers) + " behind its iface="
                               : "give the device more queues";
  return "port \"" + device + "\" has " + std::to_string(queues) + (queues == 1 ? " queue" : " queues") +
         " and there are " + std::to_string(workers) + " workers: " + more + ", or use fewer workers";
}

std::string takes_no_mtu(const std::string& device, std::size_t mtu) {
  return "port \"" + device + "\" takes no MTU of " + std::to_string(mtu) +
         ": lower it, or give it to the kernel's interface first (ip link set ... mtu)";
}

std::string would_cut_off(const std::string& device, std::size_t mtu) {
  return "port \"" + device + "\" would cut off what an MTU of " + std::to_string(mtu) +
         " allows: give it framesz=9216,blocksz=36864, or lower the MTU";
}

std::uint16_t kernel_mtu(unsigned interface_index, std::uint16_t otherwise) {
  ifreq request{};
  const Socket any{AF_INET, SOCK_DGRAM};
  if (if_indextoname(interface_index, request.ifr_name) == nullptr) return otherwise;
  if (!any.is_open() || ioctl(any.get(), SIOCGIFMTU, &request) != 0) return otherwise;
  // The loopback's is 65536.
  return static_cast<std::uint16_t>(
      std::clamp<int>(request.ifr_mtu, 0, std::numeric_limits<std::uint16_t>::max()));
}

std::string why_it_cannot_open(const std::string& device) {
  if (!device.starts_with("net_")) {
    if (!std::filesystem::exists("/sys/bus/pci/devices/" + device))
      return "there is no such PCI device; \"lspci -D\" lists those there are";
    return "see that no other process uses it, and that DPDK has a driver for it (mlx5 wants rdma-core); "
           "config/README.md says how a NIC is handed over";
  }
  // TAP's iface= names an interface to make; these need one that is there.
  const bool needs_interface = device.starts_with("net_af_packet") || device.starts_with("net_af_xdp");
  const std::string interface = device_argument(device, "iface");
  if (needs_interface && interface.empty()) return "it lacks iface=NAME";
  if (needs_interface && if_nametoindex(interface.c_str()) == 0)
    return "there is no interface \"" + interface + "\"; \"ip link\" lists those there are";
  if ((needs_interface || device.starts_with("net_tap")) && !may_open_packet_sockets())
    return "it needs CAP_NET_RAW and CAP_NET_ADMIN: start as root, or give them with setcap";
  return "check its driver's name and arguments, and see that no other process uses it";
}

}  // namespace synward::nic
