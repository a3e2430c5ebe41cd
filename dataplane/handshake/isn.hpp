// Initial sequence numbers (RFC 6528): ISN = M + F(localip, localport, remoteip, remoteport, secretkey).
//
// M is a clock that ticks every 4 us and wraps after 4 h 46 min (RFC 9293 3.4.1). F is AES-128 over the
// 4-tuple: one block for IPv4 (12 bytes, zero padded), a CBC-MAC over three for IPv6 (36 bytes, zero
// padded); each family has a key of its own, derived from one secret.
//
// Threat model. The attacker knows M, knows the method, opens as many connections of its own as it likes and
// reads their ISNs: so it knows F for its own tuples, and, AES being a PRF, nothing about F for another. It
// wants to speak in the name of a client whose segments it does not see.
// - To complete a handshake blindly it must acknowledge ISN + 1: 2^-32 for each try.
// - To put text into, or reset, a connection it must hit the receive window: 2^-16 for each try at a window
//   of 64 KiB, and the window of acknowledgments too (RFC 5961 5).
// - F does not change while the secret lives. Who has once been at an address and learnt F for a tuple can
//   predict that tuple's ISNs: F says "the same tuple", and RFC 6528 accepts it, because monotonic numbers
//   per tuple are what lets a tuple be reused soon after its last connection.
// - A wraparound of M brings the same ISN again after 17179 s, long after the 2 minutes of an MSL. A
//   connection that sends more than 250 kB/s on average outruns M; then timestamps keep its old segments
//   out of its successor (RFC 7323 5.8), not the ISN.
// - TSval's offset is another word of the same block, so that it gives away neither the uptime nor F.
// The secret lives as long as the process; with another one the numbers of a tuple start elsewhere, which is
// what RFC 6528 3 expects of a reboot.
#pragma once

#include <cstdint>

#include "dataplane/crypto/aes.hpp"
#include "dataplane/handshake/four_tuple.hpp"
#include "dataplane/handshake/tcb.hpp"
#include "dataplane/wire/net_types.hpp"

namespace synward::handshake {

inline constexpr std::uint64_t kIsnTickUs = 4;

/// Any thread may ask; it holds keys and nothing that changes.
class IsnGenerator {
 public:
  /// `secret` are 16 bytes from a cryptographic source; the caller erases its copy.
  IsnGenerator(const crypto::Aes& aes, const crypto::AesBlock& secret);

  /// For a connection that is opened now, by whichever end: a retransmission takes the ISS from its TCB
  /// instead. `now_us` never steps back while the secret lives.
  template <wire::Family kFamily>
  [[nodiscard]] InitialNumbers initial_numbers(const FourTuple<kFamily>& tuple, std::uint64_t now_us) const;

 private:
  const crypto::Aes* aes_;
  crypto::AesKey ipv4_key_, ipv6_key_;
};

}  // namespace synward::handshake
