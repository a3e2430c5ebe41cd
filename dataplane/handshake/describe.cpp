// The words of state_machine.hpp.
#include <cstddef>
#include <iterator>
#include <string_view>

#include "dataplane/handshake/state_machine.hpp"

namespace synward::handshake {

std::string_view name_of(State state) {
  constexpr std::string_view kNames[] = {"CLOSED",       "LISTEN",      "SYN-SENT",
                                         "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT"};
  static_assert(std::size(kNames) == std::size_t{1} + static_cast<std::size_t>(State::kCloseWait));
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view describe(Verdict verdict) {
  constexpr struct {
    Verdict verdict;
    std::string_view words;
  } kRows[] = {
      {Verdict::kAccepted, "accepted"},
      {Verdict::kNoConnection, "no connection here: reset"},
      {Verdict::kNotASyn, "not a SYN: dropped"},
      {Verdict::kSynWithFin, "SYN and FIN in one: dropped"},
      {Verdict::kSynRepeated, "the SYN again: so is its answer"},
      {Verdict::kSynChallenged, "SYN on a connection: challenge ACK"},
      {Verdict::kSynInHandshake, "another SYN: back to LISTEN"},
      {Verdict::kOutsideWindow, "outside the window: acknowledged anew"},
      {Verdict::kOldTimestamp, "old timestamp (PAWS): acknowledged anew"},
      {Verdict::kNoTimestamp, "timestamp missing: dropped"},
      {Verdict::kRstAccepted, "reset"},
      {Verdict::kRstIgnored, "RST that proves nothing: dropped"},
      {Verdict::kRstChallenged, "RST in the window: challenge ACK"},
      {Verdict::kNoAck, "no ACK: dropped"},
      {Verdict::kBadAck, "wrong ACK: refused"},
  };
  constexpr auto in_order = [](const auto& rows) {
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      if (static_cast<std::size_t>(rows[i].verdict) != i) return false;
    }
    return std::size(rows) == std::size_t{1} + static_cast<std::size_t>(Verdict::kBadAck);
  };
  static_assert(in_order(kRows));
  return kRows[static_cast<std::size_t>(verdict)].words;
}

}  // namespace synward::handshake
