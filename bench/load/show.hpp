// The demo on a screen: what a flood does to synward and to its real clients, second by second, and what it
// comes to.
#pragma once

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "bench/load/client_log.hpp"
#include "bench/load/flood.hpp"

namespace synward::load {

/// All that is known at one time. `stats` are synward's own, as `synward stats --json` has them.
struct Moment {
  FloodReport flood;
  ClientReport clients;
  nlohmann::json stats;
  double second = 0;  ///< of the show, which goes on while the last clients close
};

/// What the last second brought, in one line under column_names().
[[nodiscard]] std::string line_of(const Moment& now, const Moment& before);
[[nodiscard]] std::string column_names();
/// The same for a terminal, where it stands in place of the one before.
[[nodiscard]] std::string block_of(const Moment& now, const Moment& before);

/// Connections that the table holds.
[[nodiscard]] std::uint64_t connections_in(const nlohmann::json& stats);
/// Every client got through, while at least half of the flood reached synward and was answered, and no frame
/// went unaccounted for.
[[nodiscard]] bool passed(const Moment& last);
/// For somebody who has never seen synward. `most_connections` is the fullest that the table was seen.
[[nodiscard]] std::string summary_of(const Moment& last, std::uint64_t most_connections);

/// Where a show gets its figures. All are called from the thread that shows it.
struct Source {
  std::function<Moment()> now;            ///< throws std::runtime_error when synward no longer answers
  std::function<nlohmann::json()> stats;  ///< Moment's, alone: asked for many times a second
  std::function<bool()> is_over;          ///< flood and clients are done
};

/// Shows it until it is over, in place on a terminal, as plain lines elsewhere, and the summary. The exit
/// code: 0 when it passed.
[[nodiscard]] int show(const Source& source);

}  // namespace synward::load
