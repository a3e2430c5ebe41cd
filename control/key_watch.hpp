// The key file while synward runs: whoever distributes keys writes it, and every worker follows.
#pragma once

#include <string>

#include "control/descriptor.hpp"
#include "dataplane/cookie/slot_keys.hpp"
#include "dataplane/crypto/secret_memory.hpp"

namespace synward::control {

/// Control thread.
class KeyWatch : public crypto::InSecretMemory {
 public:
  /// Reads `path`, and watches its folder, for files are replaced. Throws std::runtime_error, one sentence.
  explicit KeyWatch(std::string path);

  [[nodiscard]] const cookie::KeyRing& ring() const { return ring_; }
  /// Whether the file was written since the last call and ring() is another now. Says in the log what it has
  /// become, why it stays as it was when the file is wrong, and when the new one breaks handshakes in flight
  /// at `now`. A file that is wrong is read at every call until it is not, for a chmod writes nothing. Waits
  /// for nothing.
  [[nodiscard]] bool changed(cookie::Slot now);

 private:
  [[nodiscard]] bool was_written();

  std::string path_, name_;
  std::string trouble_;  ///< why the file could not be used when it was read last; empty: it could
  Descriptor inotify_;
  int folder_;  ///< inotify's number for it; -1: it was replaced or is gone, and has none
  cookie::KeyRing ring_;
};

}  // namespace synward::control
