#include "bench/load/lab.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <rte_eth_ring.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "bench/load/attack.hpp"
#include "bench/load/clients.hpp"
#include "bench/load/pace.hpp"
#include "bench/load/show.hpp"
#include "control/clocks.hpp"
#include "control/eal.hpp"
#include "control/processors.hpp"
#include "control/random_value.hpp"
#include "control/stats_report.hpp"
#include "dataplane/nic/table_memory.hpp"
#include "dataplane/worker.hpp"

namespace synward::load {
namespace {

using control::random_value;
using wire::Family;

constexpr unsigned kRingPackets = 8192;  // at 100,000/s, what comes while a busy machine looks away for 80 ms
constexpr std::size_t kPoolPackets = 4 * kRingPackets - 1;
constexpr std::size_t kConnections = 65'536, kBurst = 64;
constexpr unsigned kWireLcore = 1, kWorkerLcore = 2;
constexpr unsigned kNode = 0;  // without huge pages all memory is there
constexpr timespec kNap{0, 100'000};

constexpr const char* kService4 = "198.18.0.10:443";
constexpr const char* kService6 = "[2001:2::10]:443";
constexpr const char* kClient4 = "198.18.0.1";
constexpr const char* kClient6 = "2001:2::1";
constexpr wire::MacAddress kClientMac{{0x02, 0, 0, 0, 0, 0x01}};

/// EAL as anybody may start it: no root, no huge pages, no devices. The show and the wire share a processor,
/// the worker has another.
std::vector<std::string> eal_arguments() {
  const auto processors = control::usable_processors();
  const auto worker = control::plan_workers(processors, -1, 1);
  const std::string a = "@" + std::to_string(control::plan_control(processors, worker)),
                    b = "@" + std::to_string(worker.front());
  return {"synward-load", "--no-huge", "--no-shconf",         "--no-pci", "--no-telemetry",
          "-m",           "384",       "--log-level=warning", "--lcores", "0" + a + ",1" + a + ",2" + b};
}

/// A ring, and at its end what is still in it.
struct Ring {
  explicit Ring(const char* name) : ring{rte_ring_create(name, kRingPackets, SOCKET_ID_ANY, 0)} {
    if (ring == nullptr) throw std::runtime_error("no memory for a ring");
  }
  ~Ring() {
    void* packet = nullptr;
    while (rte_ring_dequeue(ring, &packet) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
    rte_ring_free(ring);
  }
  Ring(Ring&&) = delete;
  rte_ring* ring;
};

service::Service service_at(const char* name, const Target& target, std::uint16_t mss) {
  service::Service made{.name = name, .address = target.address(), .port = target.port()};
  made.prefix_bits = target.address().index() == 0 ? 32 : 128;
  made.profile.mss = mss;
  return made;
}

/// synward: a pool, a port, a worker.
class Server {
 public:
  Server() {
    rte_ring* in[] = {in_.ring};
    rte_ring* out[] = {out_.ring};
    if (rte_eth_from_rings("lab", in, 1, out, 1, kNode) < 0) throw std::runtime_error("no net_ring port");
    ports_.push_back(std::make_unique<nic::Port>("net_ring_lab", 1, pool_));
    cores_.push_back(std::make_unique<CoreState>(keys_, policy_, plan_));
    cores_.front()->ports.push_back(ports_.front()->info());
    workers_ = std::make_unique<Workers>(cores_, ports_, steering_, Poll::kAdaptive);
    rte_eal_remote_launch([](void* workers) { return static_cast<Workers*>(workers)->run(0), 0; },
                          workers_.get(), kWorkerLcore);
  }
  ~Server() {
    workers_->stop();
    rte_eal_wait_lcore(kWorkerLcore);
  }
  Server(Server&&) = delete;

  [[nodiscard]] nlohmann::json stats() const {
    return control::stats_json({read(cores_.front()->counters)},
                               static_cast<double>(now_us() - started_us_) / 1e6);
  }
  [[nodiscard]] wire::MacAddress mac() const { return ports_.front()->info().mac; }
  [[nodiscard]] rte_ring* in() const { return in_.ring; }
  [[nodiscard]] rte_ring* out() const { return out_.ring; }
  [[nodiscard]] rte_mempool* pool() const { return pool_.get(); }

 private:
  template <Family kFamily>
  static nic::TableMemory table_memory() {
    return {"the lab's connection table", table::ConnectionTable<kFamily>::bytes_needed(kConnections),
            SOCKET_ID_ANY};
  }

  std::uint64_t started_us_ = now_us();
  nic::PacketPool pool_{"lab", kPoolPackets, nic::longest_frame(1500)};
  Ring in_{"lab_in"}, out_{"lab_out"};
  Policy policy_{service::ServiceTable{{service_at("four", Target::parse(kService4), 1460),
                                        service_at("six", Target::parse(kService6), 1440)}}};
  cookie::SlotKeys keys_{crypto::best_aes(), cookie::KeyRing::random(), control::wall_ms()};
  Steering steering_{random_value<Steering::Seed>(), 1};
  nic::TableMemory table4_ = table_memory<Family::kIpv4>(), table6_ = table_memory<Family::kIpv6>();
  CorePlan plan_{.ipv4 = {table4_.bytes(), kConnections},
                 .ipv6 = {table6_.bytes(), kConnections},
                 .secret = random_value<table::HashSecret>()};
  std::vector<std::unique_ptr<nic::Port>> ports_;
  std::vector<std::unique_ptr<CoreState>> cores_;
  std::unique_ptr<Workers> workers_;
};

/// The clients of one service, and what becomes of them in the log that all share.
template <Family kFamily>
class LabClients : private ClientEvents {
 public:
  using Send = typename Clients<kFamily>::Send;
  LabClients(const LabSettings& settings, const Pace& pace, const char* client, const char* service,
             const Link& link, Send send, ClientLog& log)
      : log_{log},
        schedule_{schedule_of(pace)},
        connected_(schedule_.size()),
        clients_{clients_of(settings, client, service, link), schedule_, random_value<crypto::AesBlock>(),
                 std::move(send), *this} {}

  void turn(std::uint64_t now) { clients_.turn(now); }
  [[nodiscard]] bool are_done() const { return clients_.are_done(); }
  void receive(std::span<const std::byte> frame, std::uint64_t now) {
    const auto received = handshake::parse_frame<kFamily>(frame);
    if (received && clients_.is_for(received->path.tuple)) clients_.receive(*received, now);
  }

 private:
  using Start = typename Clients<kFamily>::Start;
  static std::vector<Start> schedule_of(const Pace& pace) {
    std::vector<Start> schedule(pace.due(pace.end_us()));
    for (std::size_t n = 0; n < schedule.size(); ++n) schedule[n] = {pace.time_of(n), n};
    return schedule;
  }
  static typename Clients<kFamily>::Settings clients_of(const LabSettings& settings, const char* client,
                                                        const char* service, const Link& link) {
    const Target target = Target::parse(service);
    const auto microseconds = [](double seconds) { return static_cast<std::uint64_t>(seconds * 1e6); };
    return {.link = link,
            .addresses = SourcePrefix::parse(client),
            .service = std::get<wire::Address<kFamily>>(target.address()),
            .port = settings.client_port.value_or(target.port()),
            .manners = {.request = std::string{kClientLine},
                        .patience_us = microseconds(settings.patience_s),
                        .stay_us = microseconds(settings.stay_s)}};
  }

  void sent_syn(std::size_t /*client*/, unsigned number, std::uint64_t /*now_us*/) override {
    if (number == 1) log_.started();
  }
  void connected(std::size_t client, std::uint64_t now_us) override {
    connected_[client] = true;
    log_.connected(now_us - schedule_[client].intended_us);
  }
  void sent_ack(std::span<const std::byte> /*frame*/) override {}
  void first_byte(std::size_t /*client*/, std::uint64_t /*now_us*/) override {}
  void ended(std::size_t client, Outcome outcome, bool closed) override {
    if (outcome == Outcome::kNoTuple) {
      log_.started();
      return log_.failed(Failure::kLocal);
    }
    if (outcome == Outcome::kReset)
      return log_.failed(connected_[client] ? Failure::kReset : Failure::kRefused);
    if (!connected_[client]) return log_.failed(Failure::kConnectTimeout);
    closed ? log_.closed() : log_.failed(Failure::kCloseTimeout);
  }

  ClientLog& log_;
  std::vector<Start> schedule_;
  std::vector<bool> connected_;
  Clients<kFamily> clients_;
};

/// The other end of the rings, an lcore of its own: flood and clients.
class Wire {
 public:
  Wire(const LabSettings& settings, const Server& server)
      : server_{server},
        flood_pace_{settings.flood_rate, settings.seconds, now_us()},
        floods_{flood(kService4), flood(kService6)},
        client_pace_{settings.client_rate / 2, settings.seconds, flood_pace_.start_us()},
        clients4_{settings, client_pace_, kClient4, kService4, link(), sender(), log_},
        clients6_{settings, client_pace_, kClient6, kService6, link(), sender(), log_} {}

  void run() {
    while (true) {
      const std::uint64_t now = now_us();
      if (now >= flood_pace_.end_us() && clients4_.are_done() && clients6_.are_done()) break;
      clients4_.turn(now);
      clients6_.turn(now);
      const bool received = receive(now), sent = send_flood(now);
      if (!received && !sent) nanosleep(&kNap, nullptr);
    }
    over_ = true;
  }
  /// Any thread.
  [[nodiscard]] bool is_over() const { return over_; }
  [[nodiscard]] Moment now() const {
    const auto elapsed_us = std::min(now_us(), flood_pace_.end_us()) - flood_pace_.start_us();
    return {{.elapsed_s = static_cast<double>(elapsed_us) / 1e6, .sent = sent_, .refused = refused_},
            log_.report(),
            server_.stats()};
  }

 private:
  [[nodiscard]] Link link() const { return {kClientMac, server_.mac()}; }
  [[nodiscard]] AnyAttack flood(const char* service) const {
    const Target target = Target::parse(service);
    return make_attack(target, SourcePrefix::default_for(target.address()), link(),
                       random_value<std::uint64_t>());
  }
  [[nodiscard]] std::function<void(std::span<const std::byte>)> sender() const {
    return [this](std::span<const std::byte> frame) { (void)put(frame); };
  }
  /// False when the frame found no room.
  bool put(std::span<const std::byte> frame) const {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(server_.pool());
    if (mbuf == nullptr) return false;
    auto* const at =
        reinterpret_cast<std::byte*>(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size())));
    std::ranges::copy(frame, at);
    if (rte_ring_enqueue(server_.in(), mbuf) == 0) return true;
    rte_pktmbuf_free(mbuf);
    return false;
  }
  bool receive(std::uint64_t now) {
    std::array<void*, kBurst> packets;
    const unsigned count = rte_ring_dequeue_burst(server_.out(), packets.data(), kBurst, nullptr);
    for (unsigned i = 0; i < count; ++i) {
      auto* const mbuf = static_cast<rte_mbuf*>(packets[i]);
      const std::span frame{rte_pktmbuf_mtod(mbuf, const std::byte*), mbuf->data_len};
      clients4_.receive(frame, now);
      clients6_.receive(frame, now);  // who is neither's answers the flood
      rte_pktmbuf_free(mbuf);
    }
    return count != 0;
  }
  bool send_flood(std::uint64_t now) {
    const std::uint64_t due = std::min(flood_pace_.due(now) - made_, std::uint64_t{kBurst});
    std::array<std::byte, kAttackRoom> frame;
    for (std::uint64_t i = 0; i < due; ++i) {
      const auto bytes = std::visit([&](auto& f) { return f.next(frame).bytes; }, floods_[made_++ % 2]);
      ++(put(std::span{frame}.first(bytes)) ? sent_ : refused_);
    }
    return due != 0;
  }

  const Server& server_;
  Pace flood_pace_;
  std::array<AnyAttack, 2> floods_;
  Pace client_pace_;
  ClientLog log_;
  LabClients<Family::kIpv4> clients4_;
  LabClients<Family::kIpv6> clients6_;
  std::uint64_t made_ = 0;
  std::atomic<std::uint64_t> sent_{0}, refused_{0};
  std::atomic<bool> over_{false};
};

}  // namespace

int run_lab(const LabSettings& settings) {
  const control::Eal eal{eal_arguments()};
  const Server server;
  Wire wire{settings, server};
  rte_eal_remote_launch([](void* at) { return static_cast<Wire*>(at)->run(), 0; }, &wire, kWireLcore);
  const int code = show({.now = [&] { return wire.now(); },
                         .stats = [&] { return server.stats(); },
                         .is_over = [&] { return wire.is_over(); }});
  rte_eal_wait_lcore(kWireLcore);
  return code;
}

}  // namespace synward::load
