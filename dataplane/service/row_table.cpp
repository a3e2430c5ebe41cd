#include "dataplane/service/row_table.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

namespace synward::service {
namespace {

using wire::Family;

/// How many bits an index has of which there are `count` or a little more; not none, for nobody shifts by all
/// bits of a word.
unsigned index_bits(std::size_t count) {
  return static_cast<unsigned>(std::bit_width(std::max<std::size_t>(count, 2) - 1));
}

/// The next number of a sequence that looks random (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9e37'79b9'7f4a'7c15;
  std::uint64_t z = (state ^ state >> 30) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
  return z ^ z >> 31;
}

}  // namespace

template <Family kFamily>
RowTable<kFamily>::RowTable(std::vector<Entry> entries) {
  std::ranges::stable_sort(entries, {}, &Entry::key);
  const auto same = [](const Entry& a, const Entry& b) { return a.key == b.key; };
  entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
  const unsigned bucket_bits = index_bits(entries.size() / 4),
                 row_bits = index_bits(entries.size() + entries.size() / 2);
  bucket_shift_ = 64 - bucket_bits;
  row_shift_ = 32 - row_bits;
  multipliers_.resize(std::size_t{1} << bucket_bits);
  rows_.resize(std::size_t{1} << row_bits);
  std::uint64_t random = 0;
  do {
    for (auto& mix : mix_) mix = split_mix(random) | 1;
  } while (!place_all(entries));
}

template <Family kFamily>
bool RowTable<kFamily>::place_all(std::vector<Entry>& entries) {
  std::ranges::fill(rows_, Row{});
  const auto bucket_for = [this](const Entry& entry) { return bucket_of(hash_of(entry.key)); };
  std::vector<std::size_t> sizes(multipliers_.size());
  for (const Entry& entry : entries) ++sizes[bucket_for(entry)];
  // Large buckets first, while there is room; and the entries of each together.
  std::ranges::sort(entries, std::greater{}, [&](const Entry& entry) {
    return std::pair{sizes[bucket_for(entry)], bucket_for(entry)};
  });
  for (std::span<const Entry> rest{entries}; !rest.empty();) {
    const auto bucket = rest.first(sizes[bucket_for(rest.front())]);
    if (!place(bucket)) return false;
    rest = rest.subspan(bucket.size());
  }
  return true;
}

template <Family kFamily>
bool RowTable<kFamily>::place(std::span<const Entry> bucket) {
  for (std::uint32_t multiplier = 1; multiplier <= 0xff; multiplier += 2) {
    const auto row = [&](const Entry& entry) -> Row& {
      return rows_[row_of(hash_of(entry.key), multiplier)];
    };
    std::size_t placed = 0;
    for (; placed < bucket.size() && row(bucket[placed]).is_free(); ++placed)
      row(bucket[placed]) = Row{bucket[placed]};
    if (placed == bucket.size()) {
      multipliers_[bucket_of(hash_of(bucket.front().key))] = static_cast<std::uint8_t>(multiplier);
      return true;
    }
    for (const Entry& entry : bucket.first(placed)) row(entry) = Row{};
  }
  return false;
}

template class RowTable<Family::kIpv4>;
template class RowTable<Family::kIpv6>;

}  // namespace synward::service
