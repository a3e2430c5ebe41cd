// Why a packet ended without an answer. One row = one reason = one counter = one metric label.
#pragma once

#include <cstdint>

#include "dataplane/enum_table.hpp"

namespace synward {

enum class Drop : std::uint8_t {
  kNone,
  // classify: the frame
  kNotLinear,
  kTruncatedFrame,
  kOtherMac,
  kOtherEtherType,
  kArpIgnored,
  // classify: the packet
  kBadIpv4Header,
  kBadIpv6Header,
  kFragment,
  kBadSource,
  kGroupDestination,
  kOtherProtocol,
  kIcmpIgnored,
  kNoService,
  // classify: the segment
  kBadTcpHeader,
  kNoFlags,
  kNoAck,
  kSynFin,
  kSynRst,
  kSynAck,
  kFinRst,
  kXmas,
  // drop_listed
  kDropList,
  // shed_syns
  kDraining,
  kOverload,
  // verify_checksum
  kBadIpv4Checksum,
  kBadTcpChecksum,
  kBadIcmpChecksum,
  // limit_syns, answer_syn
  kSynBudget,
  kMssTooSmall,
  // find_connection, admit_ack
  kRstWithoutConnection,
  kBadCookie,
  kSpentCookie,
  kAcceptQueueFull,
  kTableFull,
  // relay
  kRstOutsideWindow,
  kMissingTimestamp,
  kChallengeLimited,
  // proxy
  kPendingFull,
  kHoldFull,
  kBackendUnexpected,
  kRefusedAgain,
  kUnknownLimited,
  kBackendUnknown,
  kBackendDown,
  // translate_icmp
  kIcmpOutOfWindow,
  kIcmpNoBackend,
  // the worker
  kSteerFull,
  kTxFull,
  kCount
};

inline constexpr Table<Drop> kDropTable{{
    {Drop::kNone, "none", "still alive, or already answered"},
    {Drop::kNotLinear, "not_linear", "frame in several buffers that could not be made one"},
    {Drop::kTruncatedFrame, "truncated_frame", "frame ends before its Ethernet or VLAN header does"},
    {Drop::kOtherMac, "other_mac", "frame for another station's MAC address"},
    {Drop::kOtherEtherType, "other_ether_type", "neither ARP, IPv4 nor IPv6, or more than two VLAN tags"},
    {Drop::kArpIgnored, "arp_ignored", "ARP that asks for none of our addresses, or is malformed"},
    {Drop::kBadIpv4Header, "bad_ipv4_header", "IPv4 version, header length or total length is wrong"},
    {Drop::kBadIpv6Header, "bad_ipv6_header", "IPv6 version, length or extension header chain is wrong"},
    {Drop::kFragment, "fragment",
     "IP fragment to one of our addresses: its TCP flags may sit elsewhere (RFC 3128)"},
    {Drop::kBadSource, "bad_source",
     "source is multicast, broadcast, loopback, unspecified or a service (RFC 9293 3.9.2.3)"},
    {Drop::kGroupDestination, "group_destination", "TCP to a multicast or broadcast address"},
    {Drop::kOtherProtocol, "other_protocol", "neither TCP nor ICMP"},
    {Drop::kIcmpIgnored, "icmp_ignored",
     "ICMP other than an echo request or a valid neighbour solicitation for us"},
    {Drop::kNoService, "no_service", "address or port of no configured service"},
    {Drop::kBadTcpHeader, "bad_tcp_header", "segment shorter than the TCP header it claims"},
    {Drop::kNoFlags, "no_flags", "TCP null scan: no flag set"},
    {Drop::kNoAck, "no_ack", "neither SYN, RST nor ACK set (RFC 9293 3.10.7.4, fifth step)"},
    {Drop::kSynFin, "syn_fin", "SYN with FIN"},
    {Drop::kSynRst, "syn_rst", "SYN with RST"},
    {Drop::kSynAck, "syn_ack", "SYN-ACK to a service that opens no connections"},
    {Drop::kFinRst, "fin_rst", "FIN with RST"},
    {Drop::kXmas, "xmas", "Christmas tree scan: FIN, PSH and URG without ACK"},
    {Drop::kDropList, "drop_list", "from a client that is on the drop list of the config"},
    {Drop::kDraining, "draining", "SYN, while this synward takes no new connections (`synward drain`)"},
    {Drop::kOverload, "overload",
     "SYN, while more comes than this core can answer: it is answered when it comes again"},
    {Drop::kBadIpv4Checksum, "bad_ipv4_checksum", "IPv4 header checksum does not match"},
    {Drop::kBadTcpChecksum, "bad_tcp_checksum",
     "TCP checksum does not match; from a veth or TAP: ethtool -K PEER tx off"},
    {Drop::kBadIcmpChecksum, "bad_icmp_checksum", "ICMP or ICMPv6 checksum does not match"},
    {Drop::kSynBudget, "syn_budget",
     "SYN from a client prefix that gets more SYN-ACKs than one may: dropped at random"},
    {Drop::kMssTooSmall, "mss_too_small",
     "SYN offers a segment size below any link's: it asks for many packets (CVE-2019-11479)"},
    {Drop::kRstWithoutConnection, "rst_without_connection", "RST for no connection of ours"},
    {Drop::kBadCookie, "bad_cookie",
     "segment of no connection that carries no cookie of ours (Linux: SyncookiesFailed)"},
    {Drop::kSpentCookie, "spent_cookie",
     "segment of a connection that is over: its cookie opens no second one"},
    {Drop::kAcceptQueueFull, "accept_queue_full",
     "valid cookie, but the accept queue is full (Linux: ListenOverflows)"},
    {Drop::kTableFull, "table_full", "valid cookie, but the connection table has no room"},
    {Drop::kRstOutsideWindow, "rst_outside_window", "RST whose sequence number is not in the window"},
    {Drop::kMissingTimestamp, "missing_timestamp",
     "segment without the timestamps that its connection agreed on (RFC 7323 3.2)"},
    {Drop::kChallengeLimited, "challenge_limited",
     "fits no connection of its tuple, a quarter of a second after another that did not (RFC 5961 7)"},
    {Drop::kPendingFull, "pending_full", "valid cookie, but too many handshakes with backends are open"},
    {Drop::kHoldFull, "hold_full", "waits for its backend's handshake, behind as many as may"},
    {Drop::kBackendUnexpected, "backend_unexpected",
     "of a backend whose handshake is open, and no answer to the SYN that it got"},
    {Drop::kRefusedAgain, "refused_again", "second RST of a backend that refused: it gets each SYN twice"},
    {Drop::kUnknownLimited, "unknown_limited",
     "of a connection that may be older than synward, and too many such segments came"},
    {Drop::kBackendUnknown, "backend_unknown",
     "SYN to a backend that has not answered yet, beyond those that may ask it"},
    {Drop::kBackendDown, "backend_down", "SYN to a backend that is down, beyond those that are reset"},
    {Drop::kIcmpOutOfWindow, "icmp_out_of_window",
     "ICMP error that quotes a segment which was never sent (RFC 5927)"},
    {Drop::kIcmpNoBackend, "icmp_no_backend",
     "ICMP error about a connection whose backend has not answered yet, or never did"},
    {Drop::kSteerFull, "steer_full", "belongs to another core whose ring is full"},
    {Drop::kTxFull, "tx_full", "no room in the transmit queue, or the port is being reset"},
}};
static_assert(rows_in_enum_order(kDropTable));

}  // namespace synward
