// The table of contents: the stages in the order in which a packet meets them, and nothing else.
#include "dataplane/pipeline.hpp"

#include "dataplane/stages/stages.hpp"

namespace synward {

void run_burst(CoreState& core, Burst& burst) {
  trace_arrivals(burst, core);   // nothing, unless somebody traces packets
  match_common(burst, core);     // what nearly all clients send: read, verified, 8 or 16 at a time
  classify(burst, core);         // the others: views, one index list per route, or a drop
  drop_listed(burst, core);      // clients that the operator has listed get no answer
  find_connection(burst, core);  // known flows leave the cookie path here
  retire_syns(burst, core);      // SYNs to services that are no longer in the config are nobody's
  count_services(burst, core);   // which services SYNs come to
  shed_syns(burst, core);        // when more comes than this core can answer, part of the SYNs end here
  verify_checksum(burst, core);  // of what ends here: NIC verdict first, our own sum otherwise
  answer_neighbor(burst, core);  // ARP, NDP
  answer_echo(burst, core);      // ICMPv4/v6 echo
  limit_syns(burst, core);       // no more SYN-ACKs to one client prefix than its budget
  answer_syn(burst, core);       // mint a cookie, turn the frame into a SYN-ACK
  relay(burst, core);            // known flows go to their acceptor or backend, so nobody's order changes
  admit_ack(burst, core);        // check the cookie, promote, and on as above
  relay_backend(burst, core);    // the other direction: finish the backend's handshake, then splice
  translate_icmp(burst, core);   // errors on the way of a spliced segment reach whoever sent it
  reject(burst, core);           // RST for repeated strays, within a budget
  trace_answers(burst, core);    // nothing, unless somebody traces packets
}  // the worker then transmits, and settle() counts every lane once

}  // namespace synward
