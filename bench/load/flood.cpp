#include "bench/load/flood.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "bench/load/neighbor.hpp"
#include "bench/load/pace.hpp"

namespace synward::load {
namespace {

constexpr timespec kNap{0, 500'000};  // short enough that a batch holds what falls due meanwhile at 100,000/s

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Flood::Flood(const FloodSettings& settings)
    : rate_{settings.rate}, seconds_{settings.seconds}, socket_{settings.interface} {
  attacks_.reserve(settings.targets.size());
  for (const Target& target : settings.targets) {
    const auto sources = settings.sources.value_or(SourcePrefix::default_for(target.address()));
    const auto mac =
        settings.mac ? *settings.mac : resolve_neighbor(socket_.interface_index(), target.address());
    attacks_.push_back(make_attack(target, sources, {socket_.mac(), mac}, random_seed(), settings.mix));
  }
}

/// `count` segments, or as many as go into one system call; returns how many that were.
std::size_t Flood::send_batch(std::uint64_t count) {
  std::array<std::array<std::byte, kAttackRoom>, PacketSocket::kBatch> frames;
  std::array<std::span<std::byte>, PacketSocket::kBatch> spans;
  const auto batch = static_cast<std::size_t>(std::min<std::uint64_t>(count, frames.size()));
  for (std::size_t i = 0; i < batch; ++i) {
    AnyAttack& attack = attacks_[turn_++ % attacks_.size()];
    const auto made = std::visit([&](auto& a) { return a.next(frames[i]).bytes; }, attack);
    spans[i] = std::span{frames[i]}.first(made);
  }
  const std::size_t sent = socket_.send(std::span{spans}.first(batch));
  sent_.fetch_add(sent, std::memory_order_relaxed);
  refused_.fetch_add(batch - sent, std::memory_order_relaxed);
  return batch;
}

void Flood::run() {
  const Pace pace{rate_, seconds_, now_us()};
  std::uint64_t made = 0;
  for (std::uint64_t now = now_us(); now < pace.end_us(); now = now_us()) {
    const std::uint64_t due = pace.due(now);
    if (made < due) {
      made += send_batch(due - made);
    } else {
      nanosleep(&kNap, nullptr);
    }
    elapsed_us_.store(now_us() - pace.start_us(), std::memory_order_relaxed);
  }
}

FloodReport Flood::report() const {
  return {.elapsed_s = static_cast<double>(elapsed_us_.load(std::memory_order_relaxed)) / 1e6,
          .sent = sent_.load(std::memory_order_relaxed),
          .refused = refused_.load(std::memory_order_relaxed)};
}

}  // namespace synward::load
