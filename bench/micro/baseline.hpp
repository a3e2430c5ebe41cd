// How one writes a SYN proxy's answer straight away: packet by packet, DPDK's checksum functions, and Linux's
// cookie of two SipHash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace synward::bench {

struct Straightforward {
  std::size_t answered = 0, connected = 0;  // frames that were answered; ACKs that hold a cookie of ours
};

/// Turns every SYN to our services into its SYN-ACK, and every FIN without data into the FIN that answers it;
/// checks the cookie of every other ACK without data, and has no connection to keep. Leaves in `sizes` how
/// long the answers are, 0 for none. Checksums are verified first. It neither looks a service up, nor counts.
Straightforward answer_straightforwardly(std::span<std::byte* const> frames, std::span<std::uint16_t> sizes);

/// rte_ipv4_udptcp_cksum_verify() over the IPv4 packets at `packets`: how many are right.
std::size_t verify_with_dpdk(std::span<std::byte* const> packets);

}  // namespace synward::bench
