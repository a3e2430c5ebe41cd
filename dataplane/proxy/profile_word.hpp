// What a backend's SYN-ACK teaches, and the 64 bits that it is kept in: pure functions.
//
//   63       48 47         32 31           12 11     8 7       4 3       0
//   +----------+-------------+---------------+--------+---------+---------+
//   |   MSS    |   window    |     since     | scale  |  known  | agreed  |     0: no word
//   +----------+-------------+---------------+--------+---------+---------+
//
//   since   the low 20 bits of the slot from which the word is in force: 388 days on either side of now
//   known   per option: some client has asked the backend for it
//   agreed  per option: and the backend said yes; never set where `known` is not
//   scale   the shift, when it is agreed; "not agreed" and 0 differ in `agreed`
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "dataplane/cookie/slot_keys.hpp"

namespace synward::proxy {

/// What a SYN-ACK says of an option. A backend may not offer what it was not asked for (RFC 7323 2.2, 3.2;
/// RFC 2018 2; RFC 3168 6.1.1), so without the question there is no answer.
enum class Answer : std::uint8_t { kNotAsked, kDeclined, kAgreed };
[[nodiscard]] constexpr Answer answer_of(bool asked, bool agreed) {
  if (!asked) return Answer::kNotAsked;
  return agreed ? Answer::kAgreed : Answer::kDeclined;
}

/// One SYN-ACK of a backend, beside the SYN that it answers.
struct SynAckFacts {
  std::uint16_t mss = 0;     ///< its option's, or the family's default when it has none
  std::uint16_t window = 0;  ///< the field as it is: never scaled (RFC 7323 2.2)
  Answer scaling = Answer::kNotAsked;
  std::uint8_t scale = 0;  ///< 0 to 14, when `scaling` is agreed
  Answer sack = Answer::kNotAsked, timestamps = Answer::kNotAsked, ecn = Answer::kNotAsked;
};

/// What our SYN-ACK says on the backend's behalf, of the options that the client offers. What no client has
/// asked the backend for yet is not promised.
struct Promise {
  std::uint16_t mss, window;
  std::optional<std::uint8_t> window_scale;
  bool sack, timestamps, ecn;
  std::uint8_t known;  ///< OptionSet: for which of them that is the backend's own word
  friend constexpr bool operator==(const Promise&, const Promise&) = default;
};

/// Sets of options.
struct OptionSet {
  static constexpr std::uint8_t kScale = 1, kSack = 2, kTimestamps = 4, kEcn = 8;
};

/// A word without its slot.
struct Profile {
  std::uint16_t mss, window;
  std::uint8_t scale, known, agreed;
  friend constexpr bool operator==(const Profile&, const Profile&) = default;
};

[[nodiscard]] constexpr Profile profile_of(const SynAckFacts& facts) {
  Profile profile{.mss = facts.mss, .window = facts.window, .scale = 0, .known = 0, .agreed = 0};
  const auto note = [&profile](Answer answer, std::uint8_t option) {
    if (answer != Answer::kNotAsked) profile.known |= option;
    if (answer == Answer::kAgreed) profile.agreed |= option;
  };
  note(facts.scaling, OptionSet::kScale);
  note(facts.sack, OptionSet::kSack);
  note(facts.timestamps, OptionSet::kTimestamps);
  note(facts.ecn, OptionSet::kEcn);
  if (facts.scaling == Answer::kAgreed) profile.scale = facts.scale;
  return profile;
}

[[nodiscard]] constexpr Promise promise_of(const Profile& profile) {
  const auto agreed = [&profile](std::uint8_t option) { return (profile.agreed & option) != 0; };
  Promise promise{.mss = profile.mss,
                  .window = profile.window,
                  .window_scale = std::nullopt,
                  .sack = agreed(OptionSet::kSack),
                  .timestamps = agreed(OptionSet::kTimestamps),
                  .ecn = agreed(OptionSet::kEcn),
                  .known = profile.known};
  if (agreed(OptionSet::kScale)) promise.window_scale = profile.scale;
  return promise;
}

/// What holds whichever of the two answered: the lower MSS and window; SACK, timestamps and ECN only if no
/// one that was asked declined. No scale is safer than another, since windows are translated, so the
/// newer's counts, if it was asked.
[[nodiscard]] constexpr Profile least(const Profile& older, const Profile& newer) {
  const Profile& scaling = (newer.known & OptionSet::kScale) != 0 ? newer : older;
  const auto declined =
      static_cast<std::uint8_t>((older.known & ~older.agreed) | (newer.known & ~newer.agreed));
  const auto known = static_cast<std::uint8_t>(older.known | newer.known);
  const auto agreed = static_cast<std::uint8_t>((known & ~declined & ~OptionSet::kScale) |
                                                (scaling.agreed & OptionSet::kScale));
  return {.mss = std::min(older.mss, newer.mss),
          .window = std::min(older.window, newer.window),
          .scale = scaling.scale,
          .known = known,
          .agreed = agreed};
}

/// `profile`, and `other`'s answers where it has none.
[[nodiscard]] constexpr Profile completed(Profile profile, const Profile& other) {
  const auto missing = static_cast<std::uint8_t>(other.known & ~profile.known);
  if ((missing & OptionSet::kScale) != 0) profile.scale = other.scale;
  profile.known |= missing;
  profile.agreed |= static_cast<std::uint8_t>(other.agreed & missing);
  return profile;
}

/// Whether `seen` offers more than `standing` says, in anything that least() would not take up.
[[nodiscard]] constexpr bool exceeds(const Profile& seen, const Profile& standing) {
  const int declined_before = standing.known & ~standing.agreed & ~OptionSet::kScale;
  return seen.mss > standing.mss || seen.window > standing.window || (seen.agreed & declined_before) != 0;
}

inline constexpr int kSinceBits = 20;

/// Never 0: a profile has an MSS.
[[nodiscard]] constexpr std::uint64_t word_of(const Profile& profile, cookie::Slot since) {
  constexpr std::uint64_t kSinceMask = (std::uint64_t{1} << kSinceBits) - 1;
  return std::uint64_t{profile.mss} << 48 | std::uint64_t{profile.window} << 32 |
         (since.number & kSinceMask) << 12 | std::uint64_t{profile.scale} << 8 |
         std::uint64_t{profile.known} << 4 | profile.agreed;
}
[[nodiscard]] constexpr Profile profile_in(std::uint64_t word) {
  return {.mss = static_cast<std::uint16_t>(word >> 48),
          .window = static_cast<std::uint16_t>(word >> 32),
          .scale = static_cast<std::uint8_t>(word >> 8 & 15),
          .known = static_cast<std::uint8_t>(word >> 4 & 15),
          .agreed = static_cast<std::uint8_t>(word & 15)};
}
/// The same word with another profile.
[[nodiscard]] constexpr std::uint64_t with_profile(std::uint64_t word, const Profile& profile) {
  return word_of(profile, {static_cast<std::uint32_t>(word >> 12)});
}
/// For how many slots the word has been in force at `slot`; negative: not before so many. From -2^19 to
/// 2^19 - 1, modulo 2^20.
[[nodiscard]] constexpr std::int32_t slots_in_force(std::uint64_t word, cookie::Slot slot) {
  const auto since = static_cast<std::uint32_t>(word >> 12);
  return static_cast<std::int32_t>((slot.number - since) << (32 - kSinceBits)) >> (32 - kSinceBits);
}

}  // namespace synward::proxy
