#include "control/processors.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "control/doctor/checks.hpp"
#include "control/doctor/kernel_arguments.hpp"
#include "control/kernels.hpp"
#include "control/placement.hpp"
#include "control/sys_files.hpp"

namespace synward::control::doctor {
namespace {

using Ids = std::set<std::uint16_t>;

std::filesystem::path folder_of(const std::filesystem::path& root, std::uint16_t processor) {
  return root / "sys/devices/system/cpu" / fmt::format("cpu{}", processor);
}

Findings check_places(const Subject& subject) {
  const auto& lcores = subject.config.lcores;
  const std::uint16_t control = plan_control(subject.processors, lcores);
  const auto warnings =
      core_warnings(subject.processors, lcores, control, nodes_of(subject.config, subject.devices));
  Findings findings;
  for (const auto& warning : warnings) findings.push_back({"lcores", State::kWarn, warning, ""});
  if (findings.empty())
    findings.push_back(
        {"lcores", State::kOk,
         fmt::format("worker(s) on {}{}, the control thread on {}, nobody in another's way",
                     ranges({lcores.begin(), lcores.end()}), subject.is_planned ? " (auto)" : "", control),
         ""});
  return findings;
}

Finding check_isolation(const Subject& subject) {
  const Ids workers{subject.config.lcores.begin(), subject.config.lcores.end()};
  Ids shared, left, isolate = workers;
  for (const Processor& processor : subject.processors) {
    if (processor.isolated) isolate.insert(processor.id);
    if (!workers.contains(processor.id)) {
      left.insert(processor.id);
    } else if (!processor.isolated) {
      shared.insert(processor.id);
    }
  }
  if (shared.empty())
    return {"isolation", State::kOk, "nothing else is scheduled on the workers' processors", ""};
  const std::string problem = fmt::format(
      "the kernel schedules whatever runs on {} as well, and frames wait meanwhile", ranges(shared));
  const bool one_is_left =
      std::any_of(left.begin(), left.end(), [&](std::uint16_t id) { return !isolate.contains(id); });
  if (!one_is_left)
    return {"isolation", State::kWarn, problem + ", as it must: no other processor is left", ""};
  const std::string list = ranges(isolate);
  return {"isolation", State::kWarn, problem + "; tell it, and reboot",
          add_kernel_arguments("synward-cores",
                               fmt::format("isolcpus={} nohz_full={} rcu_nocbs={}", list, list, list))};
}

/// `command` for each of `processors`, as $c.
std::string for_each(const Ids& processors, const std::string& command) {
  return fmt::format("for c in {}; do {}; done", fmt::join(processors, " "), command);
}

Finding check_governor(const Subject& subject) {
  Ids slow;
  std::set<std::string> governors;
  bool any = false;
  for (const auto lcore : subject.config.lcores) {
    const auto governor = first_line(folder_of(subject.root, lcore) / "cpufreq/scaling_governor");
    if (governor.empty()) continue;
    any = true;
    if (governor == "performance") continue;
    slow.insert(lcore);
    governors.insert(governor);
  }
  if (!any)
    return {"frequency", State::kOk, "not the kernel's to choose: the firmware or the hypervisor does", ""};
  if (slow.empty()) return {"frequency", State::kOk, "the workers' governor is performance", ""};
  const auto file = subject.root / "sys/devices/system/cpu/cpu$c/cpufreq/scaling_governor";
  return {"frequency", State::kWarn,
          fmt::format("the governor of {} is {}: a processor that was slowed down stays slow for a while",
                      ranges(slow), fmt::join(governors, ", ")),
          for_each(slow, "echo performance > " + file.string())};
}

Finding check_sleep(const Subject& subject) {
  constexpr std::size_t kLongUs = 20;  // naps are of 200 us while traffic pauses: a tenth of it
  if (subject.config.poll == config::Poll::kBusy)
    return {"C-states", State::kOk, "workers never sleep (poll = \"busy\")", ""};
  Ids sleepers;
  std::set<std::string> states;
  std::size_t longest_us = 0;
  for (const auto lcore : subject.config.lcores) {
    const auto folder = folder_of(subject.root, lcore) / "cpuidle";
    for (const auto& state : names_in(folder)) {
      const std::size_t latency_us = number_in(folder / state / "latency").value_or(0);
      if (latency_us <= kLongUs || number_in(folder / state / "disable").value_or(0) != 0) continue;
      sleepers.insert(lcore);
      states.insert(state);
      longest_us = std::max(longest_us, latency_us);
    }
  }
  if (sleepers.empty())
    return {"C-states", State::kOk, fmt::format("the workers' processors wake within {} us", kLongUs), ""};
  std::string command;
  for (const auto& state : states) {
    const auto file = subject.root / "sys/devices/system/cpu/cpu$c/cpuidle" / state / "disable";
    command += (command.empty() ? "" : "; ") + ("echo 1 > " + file.string());
  }
  return {"C-states", State::kWarn,
          fmt::format("processor(s) {} may sleep so deeply that they wake after {} us", ranges(sleepers),
                      longest_us),
          for_each(sleepers, command)};
}

}  // namespace

Findings check_processors(const Subject& subject) {
  try {
    control::check_processors(subject.config.lcores, subject.processors);
  } catch (const std::runtime_error& error) {
    return {finding_of("lcores", State::kFail, error)};
  }
  Findings findings = check_places(subject);
  findings.push_back(check_isolation(subject));
  findings.push_back(check_governor(subject));
  findings.push_back(check_sleep(subject));
  return findings;
}

Findings check_kernels(const std::vector<simd::Isa>& supported, const std::string& aes) {
  const simd::Isa isa = choose_isa(kAutoIsa, kDefaultMaxSimdBits, supported);
  std::vector<std::string_view> names(supported.size());
  std::transform(supported.begin(), supported.end(), names.begin(), simd::name_of);
  const std::string text =
      fmt::format("{} by itself, of {}; AES: {}", name_of(isa), fmt::join(names, ", "), aes);
  if (isa == simd::Isa::kScalar)
    return {{"CPU", State::kWarn,
             "kernels " + text +
                 ". It lacks AVX2, AES-NI, BMI 1 or BMI 2, so SYNs are answered one by one, not eight at a "
                 "time; a "
                 "hypervisor may hide them from its guest",
             ""}};
  return {{"CPU", State::kOk, "kernels " + text, ""}};
}

}  // namespace synward::control::doctor
