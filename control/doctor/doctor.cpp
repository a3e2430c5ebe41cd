#include "control/doctor/doctor.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "config/load.hpp"
#include "control/clocks.hpp"
#include "control/control_client.hpp"
#include "control/doctor/checks.hpp"
#include "control/eal.hpp"
#include "control/placement.hpp"
#include "dataplane/crypto/aes.hpp"

namespace synward::control::doctor {
namespace {

/// What stands for a config where there is none: two NICs, services of both families.
config::Config general_config() {
  config::Config config;
  config.ports = {{.name = "outside", .device = ""}, {.name = "inside", .device = ""}};
  config.services.push_back({.name = "four", .address = wire::Ipv4Address{}, .prefix_bits = 32, .port = 443});
  config.services.push_back({.name = "six", .address = wire::Ipv6Address{}, .prefix_bits = 128, .port = 443});
  return config;
}

std::optional<nlohmann::json> ask(const std::string& socket) {
  try {
    return ask_stats(socket);
  } catch (const std::exception&) {  // also when no synward answers, but somebody else
    return {};
  }
}

/// Where run() would place the workers, or has placed them.
void place_workers(Subject& subject) {
  const int node = first_known(nodes_of(subject.config, subject.devices));
  const auto plan = [&](const std::function<std::size_t(int)>& free_bytes_on) {
    return plan_lcores(subject.config, subject.processors, node, free_bytes_on);
  };
  std::vector<std::uint16_t> all = plan({}).lcores;
  subject.wanted_workers = all.size();
  if (subject.running) {
    all.resize(std::min(all.size(), subject.running->at("cores").size()));
    subject.config.lcores = std::move(all);
  } else if (free_huge_page_bytes(-1) == 0) {
    subject.config.lcores = std::move(all);
  } else {
    LcorePlan fitting = plan([](int at) { return free_huge_page_bytes(at); });
    subject.config.lcores = std::move(fitting.lcores);
    subject.shortage = std::move(fitting.shortage);
  }
}

/// Devices are resolved and workers placed as run() does it, as far as that goes.
Subject subject_of(const config::Config& config) {
  Subject subject;
  subject.config = config;
  subject.ports_as_written = config.ports;
  subject.processors = usable_processors();
  for (config::Port& port : subject.config.ports) {
    try {
      port.device = subject.devices.find(port);
    } catch (const std::runtime_error&) {  // told by check_ports()
    }
  }
  return subject;
}

std::string own_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

Findings look_at_processors(const Subject& subject) {
  Findings findings = check_processors(subject);
  append(findings, check_kernels(simd::supported_isas(), crypto::best_aes().name));
  return findings;
}

std::vector<Findings> look_at(const std::string& path, const config::Config& config) {
  const auto answer = ask(config.control_socket);
  Subject subject = subject_of(config);
  if (answer && serves(*answer, config)) subject.running = answer;
  subject.is_planned = config.lcores.empty();
  if (subject.is_planned) place_workers(subject);

  Findings files = check_config_file(path, config);
  append(files, check_keys(config, wall_ms()));
  append(files, check_socket(config, answer));
  Findings memory = check_memory(subject);
  append(memory, check_iommu(subject));
  Findings process = check_privileges(subject, own_path());
  append(process, check_clock(config, read_clock()));
  return {std::move(files), check_ports(subject, read_features), std::move(memory),
          look_at_processors(subject), std::move(process)};
}

/// The machine in general: nothing asks for anything, so nothing that is missing is a failure.
std::vector<Findings> look_around() {
  const config::Config config = general_config();
  Subject subject = subject_of(config);
  subject.is_general = subject.is_planned = true;
  place_workers(subject);
  Findings memory = check_memory(subject);
  append(memory, check_iommu(subject));
  std::vector<Findings> topics{check_nics(subject), std::move(memory), look_at_processors(subject),
                               check_clock(config, read_clock())};
  for (Findings& topic : topics) {
    for (Finding& finding : topic) {
      if (finding.state == State::kFail) finding.state = State::kWarn;
    }
  }
  return topics;
}

std::vector<Findings> look(const std::string& path) {
  const auto [config, errors] = config::load(path);
  if (errors.empty()) return look_at(path, config);
  Findings wrong;
  for (const auto& error : errors) wrong.push_back({"config", State::kFail, error, ""});
  std::vector<Findings> topics{std::move(wrong)};
  for (Findings& topic : look_around()) topics.push_back(std::move(topic));
  return topics;
}

}  // namespace

int run(const Options& options) {
  std::error_code error;
  std::vector<Findings> topics;
  if (!options.config.empty()) {
    topics = look(options.config);
  } else if (std::filesystem::exists(kUsualConfig, error)) {
    topics = look(kUsualConfig);
  } else {
    topics = look_around();
    topics.insert(topics.begin(),
                  {{"config", State::kOk,
                    fmt::format("none: there is no {}, and -c names none. This is the machine in general",
                                kUsualConfig),
                    ""}});
  }
  Findings all;
  for (const Findings& topic : topics) append(all, topic);
  fmt::print("{}", options.json ? findings_json(all).dump(2) + "\n" : findings_text(topics));
  return has_failed(all) ? 1 : 0;
}

}  // namespace synward::control::doctor
