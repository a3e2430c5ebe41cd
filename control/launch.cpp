#include "control/launch.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>
#include <stdexcept>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_timer.h>
#include <spdlog/spdlog.h>

#include "config/print.hpp"
#include "control/backend_report.hpp"
#include "control/clocks.hpp"
#include "control/eal.hpp"
#include "control/health.hpp"
#include "control/interface_lock.hpp"
#include "control/key_follower.hpp"
#include "control/key_watch.hpp"
#include "control/memory_plan.hpp"
#include "control/metrics_server.hpp"
#include "control/nic_devices.hpp"
#include "control/placement.hpp"
#include "control/port_watch.hpp"
#include "control/ports.hpp"
#include "control/privileges.hpp"
#include "control/processors.hpp"
#include "control/random_value.hpp"
#include "control/reload.hpp"
#include "control/service_manager.hpp"
#include "control/signals.hpp"
#include "control/stats_report.hpp"
#include "control/stats_server.hpp"
#include "control/telemetry.hpp"
#include "control/trace/tracing.hpp"
#include "control/watch_report.hpp"
#include "dataplane/nic/kernel_interface.hpp"
#include "dataplane/nic/table_memory.hpp"
#include "dataplane/worker.hpp"

namespace synward::control {
namespace {

std::vector<PortInfo> port_infos(const std::vector<std::unique_ptr<nic::Port>>& ports) {
  std::vector<PortInfo> infos;
  infos.reserve(ports.size());
  for (const auto& port : ports) infos.push_back(port->info());
  return with_sides(std::move(infos));
}

void log_drop_list(const config::DropList& drops) {
  std::size_t in_files = 0;
  for (const config::DropList::File& file : drops.files) {
    if (file.sources.empty()) spdlog::warn("drop list: {} holds no address", file.path);
    in_files += file.sources.size();
  }
  if (in_files + drops.sources.size() != 0)
    spdlog::info("drop list: {} address(es) and prefix(es), {} of them from {} file(s)",
                 in_files + drops.sources.size(), in_files, drops.files.size());
}

/// The connection tables of one core, on the NUMA node of its lcore.
struct CoreTables {
  CoreTables(const config::Config& config, std::uint16_t lcore)
      : ipv4{"the IPv4 connection table", table_bytes<wire::Family::kIpv4>(config), node_of(lcore)},
        ipv6{"the IPv6 connection table", table_bytes<wire::Family::kIpv6>(config), node_of(lcore)},
        plan{.ipv4 = {ipv4.bytes(), connections_of<wire::Family::kIpv4>(config)},
             .ipv6 = {ipv6.bytes(), connections_of<wire::Family::kIpv6>(config)},
             .secret = random_value<table::HashSecret>(),
             .backlog = config.accept_backlog,
             .backend_handshakes = config::is_inline(config) ? kBackendHandshakesPerCore : 1,
             .held_packets = config::is_inline(config) ? kHeldPerCore : 0,
             .shed_cells = kShedCellsPerCore} {}

  nic::TableMemory ipv4, ipv6;
  CorePlan plan;

 private:
  static int node_of(std::uint16_t lcore) {
    return rte_eal_has_hugepages() != 0 ? static_cast<int>(rte_lcore_to_socket_id(lcore)) : SOCKET_ID_ANY;
  }
};

/// Every worker on its lcore, until this is destroyed, however that comes: what they use lives longer.
class Running {
 public:
  Running(Workers& workers, const std::vector<std::uint16_t>& lcores) : workers_{workers} {
    const auto count = static_cast<std::uint16_t>(lcores.size());
    arguments_.reserve(count);
    for (std::uint16_t w = 0; w < count; ++w) arguments_.push_back({&workers, w});
    for (std::size_t w = 0; w < lcores.size(); ++w) rte_eal_remote_launch(run_one, &arguments_[w], lcores[w]);
  }
  ~Running() {
    workers_.stop();
    rte_eal_mp_wait_lcore();
  }
  Running(Running&&) = delete;

 private:
  struct Argument {
    Workers* workers;
    std::uint16_t index;
  };
  static int run_one(void* argument) {
    const auto& [workers, index] = *static_cast<Argument*>(argument);
    workers->run(index);
    return 0;
  }

  Workers& workers_;
  std::vector<Argument> arguments_;
};

void log_serving(const config::Config& config) {
  const std::string where =
      config::is_inline(config)
          ? fmt::format("between ports {} and {}", config.ports[0].name, config.ports[1].name)
          : fmt::format("on port {}", config.ports[0].name);
  spdlog::info("serving {} service(s) {} with {} worker(s)", config.services.size(), where,
               config.lcores.size());
  if (config::is_inline(config))
    spdlog::info("frames stop when this process stops: a NIC bypass or a second path is the operator's");
}

/// An lcore may be pinned to another processor than the one of its number: --lcores.
std::uint16_t processor_of(unsigned lcore) {
  return static_cast<std::uint16_t>(std::max(rte_lcore_to_cpu_id(static_cast<int>(lcore)), 0));
}
std::vector<std::uint16_t> processors_of(const std::vector<std::uint16_t>& lcores) {
  std::vector<std::uint16_t> processors;
  processors.reserve(lcores.size());
  for (const auto lcore : lcores) processors.push_back(processor_of(lcore));
  return processors;
}

/// Who polls what, from where.
void log_plan(const config::Config& config, const std::vector<std::unique_ptr<nic::Port>>& ports,
              simd::Isa isa) {
  const auto place = [](unsigned lcore) {
    return fmt::format("processor {}, node {}", processor_of(lcore), rte_lcore_to_socket_id(lcore));
  };
  spdlog::info("plan: control thread on {}", place(rte_get_main_lcore()));
  for (std::size_t w = 0; w < config.lcores.size(); ++w) {
    std::string polls;
    for (std::size_t p = 0; p < ports.size(); ++p) {
      if (w >= ports[p]->receive_queues()) continue;
      const int node = rte_eth_dev_socket_id(ports[p]->id());
      polls += fmt::format("{}queue {} of {}{}", polls.empty() ? "" : " and ", w, config.ports[p].name,
                           node < 0 ? "" : fmt::format(" (node {})", node));
    }
    spdlog::info("plan: worker {} on {} polls {}, kernels {}", w, place(config.lcores[w]),
                 polls.empty() ? "rings only" : polls, name_of(isa));
  }
}

/// `ring` is in their memory alone when this has returned, if it was a temporary.
std::vector<std::unique_ptr<CoreState>> make_cores(const std::vector<std::unique_ptr<CoreTables>>& tables,
                                                   const cookie::KeyRing& ring, const Policy& policy) {
  std::vector<std::unique_ptr<CoreState>> cores;
  cores.reserve(tables.size());
  const cookie::SlotKeys keys{crypto::best_aes(), ring, wall_ms()};
  for (const auto& memory : tables) cores.push_back(std::make_unique<CoreState>(keys, policy, memory->plan));
  return cores;
}

/// `watch`: null when the keys are random.
void log_keys(const KeyWatch* watch, const std::string& path) {
  const char* const aes = crypto::best_aes().name;
  if (watch != nullptr) {
    spdlog::info("cookies: {} key(s) of {}, {}", watch->ring().masters().size(), path, aes);
  } else {
    spdlog::info(
        "cookies: a random key of this process, {}; a restart breaks the handshakes in flight: [cookie] "
        "key_file",
        aes);
  }
  if (!crypto::secret_memory_is_locked())
    spdlog::warn("keys: the kernel does not lock their memory, so they may be swapped (ulimit -l)");
}

bool is_draining(const std::vector<std::unique_ptr<CoreState>>& cores) {
  return cores.front()->drain_asked.load(std::memory_order_relaxed);
}

void look_at_health(Health& health, const std::vector<std::unique_ptr<CoreState>>& cores,
                    const PortWatch& port_watch) {
  std::vector<std::uint64_t> turns;
  turns.reserve(cores.size());
  for (const auto& core : cores)
    turns.push_back(core->counters.bursts.read() + core->counters.empty_polls.read());
  auto troubles = port_troubles(port_watch.json());
  if (is_draining(cores)) troubles.insert(troubles.begin(), "draining: it takes no new connections");
  health.look(turns, std::move(troubles), Health::Clock::now());
}

/// Calls `look` every so often until a signal ends it, or it returns why it cannot go on.
std::optional<std::string> watch_until(const Signals& signals, Reload& reload,
                                       const std::function<std::optional<std::string>()>& look) {
  constexpr std::chrono::milliseconds kBetweenLooks{250}, kWhileReloading{2};
  auto next = std::chrono::steady_clock::now();
  while (true) {
    const auto word = signals.next(reload.is_busy() ? kWhileReloading : kBetweenLooks);
    if (word == Signals::Word::kEnd) return {};
    if (word == Signals::Word::kReload) reload.begin();
    reload.look();
    const auto now = std::chrono::steady_clock::now();
    if (now < next) continue;
    next = now + kBetweenLooks - kWhileReloading;
    rte_timer_manage();  // drivers': ena's looks whether its device hangs
    if (auto trouble = look()) return trouble;
  }
}

}  // namespace

void run(const std::string& path, const config::Config& as_written, const RunOptions& options) {
  const NicDevices devices;
  const std::vector<Processor> processors = usable_processors();
  config::Config config = with_devices(as_written, devices);
  give_up_privileges(config, devices, path);
  const std::vector<PortNode> nodes = nodes_of(config, devices);
  const int node = first_known(nodes);
  const auto& extra_eal_arguments = options.eal_arguments;
  const bool huge_pages = free_huge_page_bytes(-1) != 0;
  const bool on_huge_pages = huge_pages && !sets(extra_eal_arguments, {"--no-huge"});
  spdlog::info("memory: {}", huge_pages ? "huge pages" : "no huge pages are free, so ordinary ones");
  if (config.lcores.empty()) {
    if (sets_lcores(extra_eal_arguments))
      throw std::runtime_error("which lcores work must be named in [workers] when EAL is told its lcores");
    std::function<std::size_t(int)> free_bytes_on;
    if (on_huge_pages) free_bytes_on = [](int at) { return free_huge_page_bytes(at); };
    const LcorePlan plan = plan_lcores(config, processors, node, free_bytes_on);
    config.lcores = plan.lcores;
    if (!plan.shortage.empty()) spdlog::warn("cores: {}", plan.shortage);
  }
  const Signals signals;
  signals.block();  // before EAL's threads, which inherit it: only we wait for them
  if (!sets_lcores(extra_eal_arguments)) check_processors(config.lcores, processors);
  std::deque<InterfaceLock> interface_locks;
  for (const config::Port& port : config.ports) interface_locks.emplace_back(port.device);

  devices.check_memory(config, on_huge_pages);
  const Eal eal{eal_arguments(config, extra_eal_arguments, huge_pages)};
  check_lcores(config.lcores);
  const simd::Isa isa = choose_isa(options.isa, eal_max_simd_bits());

  const auto workers_count = static_cast<std::uint16_t>(config.lcores.size());
  const nic::PacketPool pool{"packets", packets(config), frame_bytes(config), huge_pages ? node : -1};
  const Steering steering{random_value<Steering::Seed>(), workers_count};
  const auto ports = open_ports(config, pool, steering, !sets(extra_eal_arguments, {"--log-level"}));
  const std::vector<PortInfo> infos = port_infos(ports);
  check_mtus(config, infos);
  Roster roster{infos.front().mtu};
  roster.serve(config, Roster::Clock::now());
  log_drop_list(config.drop_list);
  const auto first_policy = policy_of(roster, drop_list_of(config.drop_list));
  const auto key_watch = config.key_file.empty() ? nullptr : std::make_unique<KeyWatch>(config.key_file);
  const auto profiles = config::is_inline(config)
                            ? std::make_unique<proxy::BackendProfiles>(random_value<table::HashSecret>())
                            : nullptr;
  std::vector<std::unique_ptr<CoreTables>> tables;
  for (const std::uint16_t lcore : config.lcores)
    tables.push_back(std::make_unique<CoreTables>(config, lcore));
  auto cores = make_cores(tables, key_watch ? key_watch->ring() : cookie::KeyRing::random(), *first_policy);
  for (const auto& core : cores) {
    core->ports = infos;
    core->kernels = simd::kernels_of(isa);
    if (profiles) core->profiles = profiles.get();
  }
  log_keys(key_watch.get(), config.key_file);
  log_plan(config, ports, isa);
  for (const auto& warning :
       core_warnings(processors, processors_of(config.lcores), processor_of(rte_get_main_lcore()), nodes))
    spdlog::warn("cores: {}", warning);
  Workers workers{cores, ports, steering, config.poll == config::Poll::kBusy ? Poll::kBusy : Poll::kAdaptive};
  PortWatch port_watch{config, ports, [&workers] { workers.wait_for_turns(); }};

  std::optional<KeyFollower> key_follower;
  if (key_watch) key_follower.emplace(*key_watch, cores, workers);
  Reload reload{std::filesystem::absolute(path),
                {.config = as_written, .roster = std::move(roster), .policy = first_policy},
                cores,
                workers};
  std::vector<std::string> port_names;
  for (const config::Port& port : config.ports) port_names.push_back(port.name);
  Tracing tracing{{.cores = cores,
                   .ports = infos,
                   .port_names = std::move(port_names),
                   .policy = [&reload] { return reload.policy(); },
                   .begin_turns = [&workers] { return workers.begin_turns(); },
                   .have_turned = [&workers](std::uint64_t since) { return workers.have_turned(since); }}};
  Health health;

  const auto started = std::chrono::steady_clock::now();
  const auto stats = [&] {
    std::vector<CounterReading> readings;
    readings.reserve(cores.size());
    for (const auto& core : cores) readings.push_back(read(core->counters));
    auto json = stats_json(readings,
                           std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
    if (profiles) json["backends"] = backends_json(*profiles, wall_ms(), mono_ms());
    json["draining"] = is_draining(cores);
    json["reload"] = reload.json();
    json["ports"] = port_watch.json();
    const auto policy = reload.policy();
    json["services"] = services_json(policy->services, cores);
    json["talkers"] = talkers_json(cores);
    json["table"] = table_json(policy->services, cores);
    return json;
  };
  {
    const auto reset_port = [&](std::size_t port) { return port_watch.ask_for_reset(port); };
    const auto health_json = [&health] { return health.json(); };
    const auto drain = [&cores](bool on) {
      for (const auto& core : cores) core->drain(on);
      spdlog::info(on ? "draining: no new connections; those that there are go on" : "new connections again");
      tell_status(on ? "draining" : "serving");
    };
    const StatsServer server{config.control_socket,
                             {.stats = stats,
                              .reset_port = reset_port,
                              .health = health_json,
                              .drain = drain,
                              .reload = [&reload] { return reload.ask(); },
                              .reloads = [&reload](std::uint64_t number) { return reload.json(number); },
                              .tracing = &tracing}};
    std::optional<MetricsServer> metrics;
    if (config.metrics) {
      metrics.emplace(*config.metrics, stats, health_json);
      if (!is_loopback(*config.metrics))
        spdlog::warn("metrics: whoever reaches {} may read them; they tell an attacker how well he does",
                     config::to_text(*config.metrics));
    }
    std::optional<Telemetry> telemetry;
    if (config.telemetry) telemetry.emplace(stats, health_json);
    std::optional<std::string> trouble;
    bool is_ready = false;
    {
      const Running running{workers, config.lcores};
      log_serving(config);
      trouble = watch_until(signals, reload, [&] {
        look_at_health(health, cores, port_watch);  // first: what follows may wait for a worker
        if (health.workers_proceed()) tell_alive();
        if (key_follower) key_follower->look();
        tracing.look(Tracing::Clock::now());
        auto lost = port_watch.look();
        if (!is_ready) tell_ready(fmt::format("{} service(s)", config.services.size()));
        is_ready = true;
        return lost;
      });
      tell_stopping();
      signals.unblock();
    }
    std::cout << stats_text(stats()) << std::flush;
    if (trouble) throw std::runtime_error(*trouble);
  }
}

}  // namespace synward::control
