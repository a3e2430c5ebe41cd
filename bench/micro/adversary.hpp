// What an attacker sends who chooses every byte: each packet meets as many surprises as one can.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bench/micro/traffic.hpp"

namespace synward::bench {

/// One kind of packet, of random addresses, ports and numbers.
enum class Attack : std::uint8_t {
  kSynOddOptions,     ///< 40 bytes of options, known and not, in any order
  kSynNops,           ///< 40 NOPs
  kSynShortOptions,   ///< 20 unknown options, of two bytes each
  kSynNopsBetween,    ///< a NOP and an option of two bytes, 13 times: the most starts that count
  kSynBrokenOptions,  ///< odd options, at whose end or in whose middle one claims a byte too many or too few
  kSynNoOptions,      ///< none
  kSynTwoTags,        ///< QinQ, and odd options
  kSynIpOptions,      ///< 40 bytes of IP options, IPv4 only, and odd options
  kSynExtensionHeaders,  ///< one to eight extension headers, IPv6 only, and odd options
  kSynText,              ///< odd options, and 1,400 bytes that are summed
  kSynWrongChecksum,     ///< odd options, one bit wrong
  kSynMssTooSmall,       ///< odd options behind an MSS that is refused
  kThreeTags,            ///< a tag more than anybody looks behind
  kChainTooLong,         ///< IPv6 only: a ninth extension header
  kFragment,             ///< over IPv6 behind seven extension headers
  kAckSack,              ///< of an unknown connection, with as many SACK blocks as there can be
  kAckOddOptions,        ///< likewise, with odd options
  kAckIpOptions,         ///< likewise, IPv4 only: and 40 bytes of IP options
  kAckExtensionHeaders,  ///< likewise, IPv6 only: and one to eight extension headers
  kRst,                  ///< likewise, with odd options
  kSynAck,               ///< with odd options
  kNeighbor,             ///< ARP or a neighbour solicitation
  kEcho,                 ///< as long as an Ethernet frame can be
  kMixed,                ///< any of these, common SYNs and forged ACKs
  kCount
};

/// As it stands in a row's name.
[[nodiscard]] std::string name_of(Attack attack);
/// Some kinds exist over one family alone.
[[nodiscard]] bool exists(Attack attack, wire::Family family);
[[nodiscard]] Traffic attack_of(Attack attack, wire::Family family);

}  // namespace synward::bench
