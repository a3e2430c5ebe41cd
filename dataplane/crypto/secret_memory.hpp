// Where secrets live: in RAM alone, neither in swap nor in a core dump.
#pragma once

#include <cstddef>

namespace synward::crypto {

/// Objects of a class derived from this, when made by `new`, have pages of their own, locked (mlock(2)) and
/// left out of core dumps (MADV_DONTDUMP). What they point to has not. Whoever holds secrets erases them.
struct InSecretMemory {
  /// Throws std::bad_alloc.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* pages, std::size_t bytes) noexcept;
};

/// False once the kernel would not lock such pages (RLIMIT_MEMLOCK, without CAP_IPC_LOCK): they work as
/// others do, and may be swapped. Any thread.
[[nodiscard]] bool secret_memory_is_locked();

}  // namespace synward::crypto
