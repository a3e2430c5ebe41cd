// Clients that no service answers, by the operator's word. Immutable once built: the control thread builds
// it, every worker reads it.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "dataplane/service/prefix_set.hpp"
#include "dataplane/wire/prefix.hpp"

namespace synward::service {

class DropList {
 public:
  /// Control thread. In any order, of any length; one may cover another.
  explicit DropList(const std::vector<wire::Prefix>& sources)
      : sources4_{of_family<wire::Family::kIpv4>(sources)},
        sources6_{of_family<wire::Family::kIpv6>(sources)} {}

  [[nodiscard]] bool empty() const { return sources4_.empty() && sources6_.empty(); }
  /// Any worker.
  template <wire::Family kFamily>
  [[nodiscard]] const PrefixSet<kFamily>& sources() const {
    if constexpr (kFamily == wire::Family::kIpv4) {
      return sources4_;
    } else {
      return sources6_;
    }
  }

 private:
  template <wire::Family kFamily>
  static std::vector<typename PrefixSet<kFamily>::Prefix> of_family(
      const std::vector<wire::Prefix>& sources) {
    std::vector<typename PrefixSet<kFamily>::Prefix> found;
    for (const wire::Prefix& source : sources) {
      if (const auto* address = std::get_if<wire::Address<kFamily>>(&source.address))
        found.push_back({*address, source.bits});
    }
    return found;
  }
  PrefixSet<wire::Family::kIpv4> sources4_;
  PrefixSet<wire::Family::kIpv6> sources6_;
};

}  // namespace synward::service
