// Asking for memory ahead of its use.
#pragma once

namespace synward::table {

/// Fetches the line of `at`, to write to it. What is fetched to be read may come as a line that others may
/// hold as well, although nobody does; the first store then asks for it a second time, and every store behind
/// waits. (Written out: without a flag of its own, which would let the compiler use it anywhere,
/// __builtin_prefetch() means the other instruction. CPUs that lack this one do nothing: Intel SDM,
/// PREFETCHW.)
inline void prefetch_to_write(const void* at) {
#ifdef __x86_64__
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

}  // namespace synward::table
