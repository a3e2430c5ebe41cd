// What the kernel knows of the interface behind a port, and what a driver's bare -1 does not say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace synward::nic {

/// The value of `key` in a vdev string "driver,key=value,...", or nothing.
[[nodiscard]] std::string device_argument(const std::string& device, const std::string& key);

/// Control thread. The MTU that the kernel has for the interface of this index; `otherwise` where there is no
/// such interface, as behind a port that the kernel does not drive.
[[nodiscard]] std::uint16_t kernel_mtu(unsigned interface_index, std::uint16_t otherwise);

/// Bytes of the longest frame that comes whole through the ring of net_af_packet `device`: a longer one is
/// cut off without a word. Without bound for any other driver.
[[nodiscard]] std::size_t packet_ring_frame(const std::string& device);

/// Frames that the ring of net_af_packet `device` holds; `otherwise` for any other driver.
[[nodiscard]] std::size_t packet_ring_frames(const std::string& device, std::size_t otherwise);

/// Queue pairs of net_af_packet `device`; `otherwise` for any other driver.
[[nodiscard]] std::size_t packet_ring_queues(const std::string& device, std::size_t otherwise);

// Why `device` does not do, and what to do about it: one sentence each.
[[nodiscard]] std::string has_too_few_queues(const std::string& device, std::size_t queues,
                                             std::size_t workers);
/// It would have to give its interface a longer frame than it may by itself.
[[nodiscard]] std::string takes_no_mtu(const std::string& device, std::size_t mtu);
[[nodiscard]] std::string would_cut_off(const std::string& device, std::size_t mtu);

/// Control thread, after `device` failed to open: half a sentence that names the likeliest reason and what to
/// do about it. Drivers answer -1 to a missing interface as to a missing privilege, so it looks for itself.
[[nodiscard]] std::string why_it_cannot_open(const std::string& device);

}  // namespace synward::nic
