// What the kernel is told at boot.
#pragma once

#include <string>

namespace synward::control::doctor {

/// The command that adds `arguments` on Debian, from the next boot on, by a file called `name`.
[[nodiscard]] inline std::string add_kernel_arguments(const std::string& name, const std::string& arguments) {
  return "mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX " + arguments +
         "\"' > /etc/default/grub.d/" + name + ".cfg && update-grub";
}

}  // namespace synward::control::doctor
