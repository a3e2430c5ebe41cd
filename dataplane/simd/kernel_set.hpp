// All kernels of the instruction set whose primitives the including file has defined.
#pragma once

#include "dataplane/simd/answer_syn_lanes.hpp"
#include "dataplane/simd/find_between_lanes.hpp"
#include "dataplane/simd/match_lanes.hpp"
#include "dataplane/simd/read_options.hpp"
#include "dataplane/simd/refute_cookie_lanes.hpp"

namespace synward::simd {
namespace {

inline constexpr Kernels kKernels{.sort = sort,
                                  .match4 = match<Family::kIpv4>,
                                  .match6 = match<Family::kIpv6>,
                                  .find_options = find_ip_options,
                                  .find_extensions = find_extensions,
                                  .match_answers4 = match_answers<Family::kIpv4>,
                                  .match_answers6 = match_answers<Family::kIpv6>,
                                  .hash4 = hash<Family::kIpv4>,
                                  .hash6 = hash<Family::kIpv6>,
                                  .read = read,
                                  .timestamps = timestamps,
                                  .answer4 = answer<Family::kIpv4>,
                                  .answer6 = answer<Family::kIpv6>,
                                  .refute4 = refute<Family::kIpv4>,
                                  .refute6 = refute<Family::kIpv6>};

}  // namespace
}  // namespace synward::simd
