// The stages, in the order in which a packet meets them. One stage = one file = one free function over a
// Burst.
#pragma once

#include "dataplane/burst.hpp"
#include "dataplane/core_state.hpp"

namespace synward {

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
/// Segments that belong to no connection end. No RST for them: it may be a reordered first flight, and an RST
/// per stray turns a flood into a bigger one.
void reject(Burst& burst);
/// The only place that counts, after the worker has transmitted.
void settle(const Burst& burst, CoreState& core);

}  // namespace synward
