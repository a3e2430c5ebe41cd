#include "dataplane/nic/table_memory.hpp"

#include <rte_eal.h>
#include <rte_malloc.h>

#include "dataplane/nic/setup_error.hpp"

namespace synward::nic {
namespace {

constexpr unsigned kCacheLine = 64;
constexpr std::size_t kMebibyte = std::size_t{1} << 20;

}  // namespace

TableMemory::TableMemory(const std::string& what, std::size_t bytes, int socket)
    : memory_{static_cast<std::byte*>(rte_zmalloc_socket("synward", bytes, kCacheLine, socket))},
      bytes_{bytes} {
  if (memory_) return;
  const std::string advice = rte_eal_has_hugepages() != 0
                                 ? "reserve more huge pages (/proc/sys/vm/nr_hugepages)"
                                 : "raise the megabytes of -m behind --";
  throw SetupError("no room for " + what + ": " + std::to_string((bytes + kMebibyte - 1) / kMebibyte) +
                   " MiB in one piece are not to be had; " + advice + ", or configure fewer connections");
}

void TableMemory::Free::operator()(std::byte* memory) const { rte_free(memory); }

}  // namespace synward::nic
