// A unix stream socket that nobody waits on.
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include "control/descriptor.hpp"

namespace synward::control {

class UnixSocket : public Descriptor {
 public:
  UnixSocket() : Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {}
  using Descriptor::Descriptor;

  /// Both take a path, or an abstract name (unix(7)) when its first byte is 0, and tell errno; 0: done.
  /// EAGAIN of connect(): somebody listens there and accepts nobody.
  [[nodiscard]] int bind(const std::string& name) const { return at(name, ::bind); }
  [[nodiscard]] int connect(const std::string& name) const { return at(name, ::connect); }

 private:
  template <typename Call>
  [[nodiscard]] int at(const std::string& name, Call call) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    name.copy(address.sun_path, name.size());
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    return call(get(), reinterpret_cast<const sockaddr*>(&address), bytes) == 0 ? 0 : errno;
  }
};

}  // namespace synward::control
