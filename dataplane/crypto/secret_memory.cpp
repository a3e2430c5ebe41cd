#include "dataplane/crypto/secret_memory.hpp"

#include <atomic>
#include <new>
#include <sys/mman.h>

namespace synward::crypto {
namespace {

std::atomic<bool> is_locked{true};

}  // namespace

void* InSecretMemory::operator new(std::size_t bytes) {
  void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc{};
  if (::madvise(pages, bytes, MADV_DONTDUMP) != 0) {
    ::munmap(pages, bytes);
    throw std::bad_alloc{};
  }
  if (::mlock(pages, bytes) != 0) is_locked.store(false, std::memory_order_relaxed);
  return pages;
}

void InSecretMemory::operator delete(void* pages, std::size_t bytes) noexcept { ::munmap(pages, bytes); }

bool secret_memory_is_locked() { return is_locked.load(std::memory_order_relaxed); }

}  // namespace synward::crypto
