// What systemd, or whoever else set $NOTIFY_SOCKET, is told of this process (sd_notify(3)). Without either
// all of this does nothing.
#pragma once

#include <string>

namespace synward::control {

/// Workers run; who waits for synward may go on.
void tell_ready(const std::string& status);
/// In a line, for `systemctl status`.
void tell_status(const std::string& status);
/// Not hung: to be called more often than WatchdogSec, and only while that is true.
void tell_alive();
void tell_stopping();

}  // namespace synward::control
