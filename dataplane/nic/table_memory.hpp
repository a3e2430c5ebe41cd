// Memory for what is large and lives as long as the process: tables, in huge pages where there are any.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace synward::nic {

/// Zeroed bytes that begin at a cache line, of one NUMA node.
class TableMemory {
 public:
  /// Control thread. `what` names the table in the error; `socket` is the NUMA node of the worker that will
  /// own it, or -1 for any. Throws SetupError when it does not fit.
  TableMemory(const std::string& what, std::size_t bytes, int socket);

  [[nodiscard]] std::span<std::byte> bytes() const { return {memory_.get(), bytes_}; }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t bytes_;
};

}  // namespace synward::nic
