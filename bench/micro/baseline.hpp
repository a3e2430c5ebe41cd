// How one writes a SYN proxy's answer straight away: packet by packet, DPDK's checksum functions, and Linux's
// cookie of two SipHash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace synward::bench {

/// Turns every SYN to our services into its SYN-ACK; returns how many it answered, and leaves in `sizes` how
/// long the answers are. Checksums are verified first. It neither looks a service up, nor counts.
std::size_t answer_straightforwardly(std::span<std::byte* const> frames, std::span<std::uint16_t> sizes);

/// rte_ipv4_udptcp_cksum_verify() over the IPv4 packets at `packets`: how many are right.
std::size_t verify_with_dpdk(std::span<std::byte* const> packets);

}  // namespace synward::bench
