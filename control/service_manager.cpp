#include "control/service_manager.hpp"

#include <systemd/sd-daemon.h>

namespace synward::control {

void tell_ready(const std::string& status) { sd_notify(0, ("READY=1\nSTATUS=" + status).c_str()); }

void tell_status(const std::string& status) { sd_notify(0, ("STATUS=" + status).c_str()); }

void tell_alive() { sd_notify(0, "WATCHDOG=1"); }

void tell_stopping() { sd_notify(0, "STOPPING=1"); }

}  // namespace synward::control
