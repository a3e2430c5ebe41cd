// The stages, in the order in which a packet meets them. One stage = one file = one free function over a
// Burst.
#pragma once

#include "dataplane/burst.hpp"
#include "dataplane/core_state.hpp"

namespace synward {

/// Raw frames: SYNs in one of the common layouts leave here as SYN-ACKs; everything else is left for
/// classify().
void answer_common_syns(Burst& burst, CoreState& core);
/// Parses once, finds the service, and puts every lane into the list of its route, or ends it with a reason.
void classify(Burst& burst, CoreState& core);
/// Ends SYNs and segments whose IPv4 or TCP checksum is wrong.
void verify_checksum(Burst& burst);
/// ARP requests and neighbour solicitations for our addresses become their replies.
void answer_neighbor(Burst& burst, CoreState& core);
/// ICMP and ICMPv6 echo requests to our addresses become their replies.
void answer_echo(Burst& burst, CoreState& core);
/// SYNs become SYN-ACKs that carry a cookie; reads no connection, writes none.
void answer_syn(Burst& burst, CoreState& core);
/// Segments of known connections go to relay, the others are tried as cookies.
void find_connection(Burst& burst, CoreState& core);
/// A valid cookie becomes a connection.
void admit_ack(Burst& burst, CoreState& core);
/// Segments meet their connection.
void relay(Burst& burst, CoreState& core);
/// Strays end; a repeated one may be reset, within the budget.
void reject(Burst& burst, CoreState& core);
/// The only place that counts, after the worker has transmitted.
void settle(const Burst& burst, CoreState& core);

}  // namespace synward
