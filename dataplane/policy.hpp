// What the operator decides, and may decide anew while workers run. Immutable once built: the control thread
// builds it, every worker reads it.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "dataplane/promise_words.hpp"
#include "dataplane/service/drop_list.hpp"
#include "dataplane/service/service_table.hpp"

namespace synward {

struct Policy {
  explicit Policy(service::ServiceTable served, std::shared_ptr<const service::DropList> dropped = nullptr)
      : services{std::move(served)}, drop_list{std::move(dropped)} {
    acceptor_promises.reserve(services.size());
    for (std::size_t id = 0; id < services.size(); ++id)
      acceptor_promises.emplace_back(
          promise_of_acceptor(services[static_cast<service::ServiceId>(id)].profile));
  }

  service::ServiceTable services;
  /// Null: nobody is listed. A million prefixes take their time, and most policies have those of the last.
  std::shared_ptr<const service::DropList> drop_list;
  /// What an endpoint promises, by ServiceId: a flood to many services reads these, not a Service each.
  std::vector<PromiseWords> acceptor_promises;
};

}  // namespace synward
