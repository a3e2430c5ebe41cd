// A laboratory of which every packet is sampled.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/trace.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::test {

inline Bytes kept(const KeptFrame& frame) { return {frame.kept().begin(), frame.kept().end()}; }

/// A lab that is traced.
class Traced : public PipelineLab {
 public:
  explicit Traced(const TraceFilter& filter = {}, Mode mode = Mode::kEndpoint)
      : PipelineLab(mode), tap_{std::make_unique<TraceTap>(filter)} {
    core.trace = tap_.get();
  }
  [[nodiscard]] TraceTap& tap() { return *tap_; }
  /// The samples that wait.
  std::vector<TraceRecord> take() {
    std::vector<TraceRecord> records;
    for (; tap_->front() != nullptr; tap_->pop()) records.push_back(*tap_->front());
    return records;
  }

 private:
  std::unique_ptr<TraceTap> tap_;
};

}  // namespace synward::test
