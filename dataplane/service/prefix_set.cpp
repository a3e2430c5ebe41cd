#include "dataplane/service/prefix_set.hpp"

#include <algorithm>
#include <deque>
#include <span>
#include <tuple>

namespace synward::service {

using wire::Family;

namespace {

/// `count` ones from bit `first` on; `count` is 1 to 64.
constexpr std::uint64_t ones(unsigned first, unsigned count) {
  return ~std::uint64_t{0} >> (64 - count) << first;
}

}  // namespace

template <Family kFamily>
PrefixSet<kFamily>::PrefixSet(std::vector<Prefix> prefixes) {
  if (prefixes.empty()) return;
  std::sort(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) {
    return std::tie(a.address, a.bits) < std::tie(b.address, b.bits);
  });
  std::vector<Prefix> apart;  // what covers others stands ahead of them
  for (const Prefix& prefix : prefixes) {
    if (apart.empty() || !Entry{apart.back()}.covers(prefix.address)) apart.push_back(prefix);
  }
  fill_filter(apart);
  make_nodes(apart);
}

template <Family kFamily>
void PrefixSet<kFamily>::fill_filter(const std::vector<Prefix>& prefixes) {
  constexpr std::size_t kAll = std::size_t{1} << kFilterBits;
  filter_.assign(kAll / 64, 0);
  std::size_t set = 0;
  for (const Prefix& prefix : prefixes) {
    if (!kIpv4 && prefix.bits <= kRootBits) {
      asks_whole_ = true;
      continue;
    }
    const auto bits = std::min<unsigned>(prefix.bits, kFiltered);
    std::uint32_t first =
        std::bit_cast<std::array<wire::BigEndian32, sizeof prefix.address / 4>>(prefix.address)[0].host();
    for (std::uint32_t n = 0; n < 1u << (kFiltered - bits) && set < kAll;
         ++n, first += 1u << (32 - kFiltered)) {
      const std::uint32_t bit = filter_bit(first);
      std::uint64_t& word = filter_[bit / 64];
      set += (word >> bit % 64 & 1) ^ 1;
      word |= std::uint64_t{1} << bit % 64;
    }
  }
}

template <Family kFamily>
void PrefixSet<kFamily>::make_nodes(const std::vector<Prefix>& prefixes) {
  /// The prefixes that begin with the bits which lead to a node.
  struct Share {
    std::size_t node;
    std::span<const Prefix> prefixes;
    unsigned depth;  // bits that lead there
  };
  whole_.assign((1u << kRootBits) / 64, 0);
  nodes_.resize(1u << kRootBits);
  std::deque<Share> shares;
  for (std::span<const Prefix> left{prefixes}; !left.empty();) {
    const unsigned root = Bits{left.front().address}.take(kRootBits), bits = left.front().bits;
    std::size_t alike = 1;
    while (alike < left.size() && Bits{left[alike].address}.take(kRootBits) == root) ++alike;
    if (bits <= kRootBits) {
      for (unsigned n = 0; n < 1u << (kRootBits - bits); ++n)
        whole_[(root + n) / 64] |= ones((root + n) % 64, 1);
    } else {
      shares.push_back({root, left.first(alike), kRootBits});
    }
    left = left.subspan(alike);
  }
  for (; !shares.empty(); shares.pop_front()) {
    const Share share = shares.front();
    const unsigned next_depth = share.depth + kStride;
    const auto slot_of = [&share](const Prefix& prefix) {
      Bits bits{prefix.address};
      for (unsigned skipped = 0; skipped < share.depth; skipped += kStride)
        static_cast<void>(bits.take(kStride));
      return bits.take(kStride);
    };
    Node node{.first_entry = static_cast<std::uint32_t>(entries_.size()),
              .first_node = static_cast<std::uint32_t>(nodes_.size())};
    for (auto left = share.prefixes; !left.empty();) {
      const unsigned slot = slot_of(left.front());
      std::size_t alike = 1;
      while (alike < left.size() && slot_of(left[alike]) == slot) ++alike;
      if (alike == 1) {
        const unsigned bits = left.front().bits, slots = bits < next_depth ? 1u << (next_depth - bits) : 1;
        node.one |= ones(slot, slots);
        entries_.insert(entries_.end(), slots, Entry{left.front()});
      } else {
        node.several |= ones(slot, 1);
        shares.push_back({nodes_.size(), left.first(alike), next_depth});
        nodes_.emplace_back();
      }
      left = left.subspan(alike);
    }
    nodes_[share.node] = node;
  }
  nodes_.shrink_to_fit();
  entries_.shrink_to_fit();
}

/// (No lambda: it would not be compiled for the target. DPDK runs on no CPU without POPCNT.)
template <Family kFamily>
[[gnu::target("popcnt")]] std::uint64_t PrefixSet<kFamily>::find(
    std::uint64_t candidates, const std::array<const Address*, kMostAtOnce>& addresses) const {
  std::array<Bits, kMostAtOnce> bits;
  std::array<std::uint32_t, kMostAtOnce> node, entry;
  std::uint64_t found = 0;
  for (std::uint64_t left = candidates; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    bits[i] = Bits{*addresses[i]};
    node[i] = bits[i].take(kRootBits);
    __builtin_prefetch(&nodes_[node[i]]);
    found |= std::uint64_t{has_bit(whole_, node[i])} << i;
  }
  std::uint64_t compared = 0;
  std::uint64_t walking = candidates & ~found;
  for (unsigned steps = 0; steps < kMostNodes && walking != 0; ++steps) {
    std::uint64_t go_on = 0;
    for (std::uint64_t left = walking; left != 0; left &= left - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(left));
      const std::uint64_t lane = left & (~left + 1), slot = std::uint64_t{1} << bits[i].take(kStride);
      const Node& at = nodes_[node[i]];
      const bool has_several = (at.several & slot) != 0, has_one = (at.one & slot) != 0;
      const auto nodes_before = static_cast<std::uint32_t>(__builtin_popcountll(at.several & (slot - 1))),
                 entries_before = static_cast<std::uint32_t>(__builtin_popcountll(at.one & (slot - 1)));
      node[i] = at.first_node + nodes_before;
      entry[i] = at.first_entry + entries_before;
      __builtin_prefetch(has_several ? static_cast<const void*>(nodes_.data() + node[i])
                                     : static_cast<const void*>(entries_.data() + entry[i]));
      go_on |= has_several ? lane : 0;
      compared |= has_one ? lane : 0;
    }
    walking = go_on;
  }
  for (std::uint64_t left = compared; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    found |= entries_[entry[i]].covers(*addresses[i]) ? left & (~left + 1) : 0;
  }
  return found;
}

template class PrefixSet<Family::kIpv4>;
template class PrefixSet<Family::kIpv6>;

}  // namespace synward::service
