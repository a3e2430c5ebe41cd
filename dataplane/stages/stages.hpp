// The stages, in the order in which a packet meets them. One stage = one file = one free function over a
// Burst.
#pragma once

#include "dataplane/burst.hpp"
#include "dataplane/core_state.hpp"

namespace synward {

/// While somebody traces: copies of the frames as they came.
void trace_arrivals(const Burst& burst, CoreState& core);
/// SYNs to our services are read and taken out, those without text verified. Segments that can be of
/// a connection, of either side, are read and hashed, and stay, as do all others, for classify(). Does
/// nothing without kernels, nor to what comes from another core.
void match_common(Burst& burst, CoreState& core);
/// Parses once, finds the service, and puts every lane into the list of its route, or ends it with a reason.
void classify(Burst& burst, CoreState& core);
/// Ends what comes from clients on the drop list.
void drop_listed(Burst& burst, const CoreState& core);
/// Segments that fit a connection leave the cookie path here.
void find_connection(Burst& burst, CoreState& core);
/// Counts the SYNs of each service.
void retire_syns(Burst& burst, CoreState& core);
void count_services(Burst& burst, CoreState& core);
/// Ends part of the SYNs while the core is behind with its work; mostly none.
void shed_syns(Burst& burst, CoreState& core);
/// Ends SYNs and segments whose IPv4 or TCP checksum is wrong; but what is on its way to a backend keeps the
/// checksum that it has, for the backend to see.
void verify_checksum(Burst& burst, const CoreState& core);
/// ARP requests and neighbour solicitations for our addresses become their replies.
void answer_neighbor(Burst& burst, CoreState& core);
/// ICMP and ICMPv6 echo requests to our addresses become their replies.
void answer_echo(Burst& burst, CoreState& core);
/// SYNs of client prefixes that sent too many end at random; mostly it only takes samples.
void limit_syns(Burst& burst, CoreState& core);
/// SYNs become SYN-ACKs that carry a cookie; reads no connection, writes none.
void answer_syn(Burst& burst, CoreState& core);
/// Segments of known connections go to the acceptor, or on to their backend.
void relay(Burst& burst, CoreState& core);
/// The others: whoever brings a valid cookie gets a connection, and its segment goes the same way.
void admit_ack(Burst& burst, CoreState& core);
/// Segments of backends finish handshakes, and go on to their clients.
void relay_backend(Burst& burst, CoreState& core);
/// ICMP errors about segments of spliced connections quote them as their senders sent them, and go on.
void translate_icmp(Burst& burst, CoreState& core);
/// What has neither connection nor cookie ends, or is reset when it comes again.
void reject(Burst& burst, CoreState& core);
/// While somebody traces: copies of what will leave in their place.
void trace_answers(const Burst& burst, CoreState& core);
/// The same: samples of those that are wanted, with their verdicts, after the worker has transmitted.
void trace_verdicts(const Burst& burst, CoreState& core);
/// The only place that counts, after the worker has transmitted.
void settle(const Burst& burst, CoreState& core);

}  // namespace synward
