// Who talks to whom, seen from one end.
#pragma once

#include "dataplane/wire/net_types.hpp"

namespace synward::handshake {

template <wire::Family kFamily>
struct FourTuple {
  wire::Address<kFamily> local, remote;
  wire::Port local_port, remote_port;

  [[nodiscard]] constexpr FourTuple from_the_other_end() const {
    return {remote, local, remote_port, local_port};
  }
  friend constexpr bool operator==(const FourTuple&, const FourTuple&) = default;
};

}  // namespace synward::handshake
