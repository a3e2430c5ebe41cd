#include "control/top_screen.hpp"

#include <algorithm>
#include <utility>

#include "control/top_parts.hpp"

namespace synward::control {
namespace {

constexpr std::size_t kLeastColumns = 30;

/// All that there is to show, from top to bottom.
std::vector<Part> parts_of(const TopView& view, const Screen& screen, bool cores_as_cells) {
  std::vector<Part> parts{header(view, screen), notices(view, screen)};
  if (view.version.empty()) return parts;
  parts.push_back(rates(view, screen));
  parts.push_back(connections(view, screen));
  if (!view.cores.empty())
    parts.push_back(cores_as_cells ? cores_in_cells(view, screen) : cores_in_short(view, screen));
  if (!view.services.empty()) parts.push_back(services(view, screen));
  for (auto& part : sources(view, screen)) parts.push_back(std::move(part));
  if (!view.backends.empty()) parts.push_back(backends(view, screen));
  return parts;
}

/// Each part gets what it needs at the least, while there is room; then they grow in turn. Returns the rows
/// that nobody wants.
std::size_t divide(std::vector<Part>& parts, std::size_t rows) {
  std::vector<Part*> by_rank;
  by_rank.reserve(parts.size());
  for (Part& part : parts) by_rank.push_back(&part);
  std::ranges::stable_sort(by_rank, {}, [](const Part* part) { return part->rank; });
  for (Part* part : by_rank) {
    if (part->least > rows) continue;
    part->rows = part->least;
    rows -= part->least;
  }
  for (bool grown = true; grown && rows > 0;) {
    grown = false;
    for (Part* part : by_rank) {
      if (rows == 0 || part->rows == 0 || part->rows == part->most) continue;
      ++part->rows;
      --rows;
      grown = true;
    }
  }
  return rows;
}

}  // namespace

std::vector<std::string> top_screen(const TopView& view, const Screen& screen) {
  if (screen.columns == 0 || screen.rows == 0) return {};
  if (screen.columns < kLeastColumns) {  // that of a wider one, cut
    const Look plain{.unicode = screen.look.unicode};
    auto lines = top_screen(view, {kLeastColumns, screen.rows, plain, screen.has_keys});
    for (auto& line : lines) line = fitted(line, screen.columns, plain);
    return lines;
  }
  auto parts = parts_of(view, screen, true);
  std::size_t spare = divide(parts, screen.rows);
  const auto is_cut = [](const Part& part) { return part.rank == Rank::kCores && part.rows < part.most; };
  if (std::ranges::any_of(parts, is_cut)) {
    parts = parts_of(view, screen, false);
    spare = divide(parts, screen.rows);
  }
  std::vector<std::string> lines;
  for (const Part& part : parts) {
    if (part.rows == 0) continue;
    // What is left over sets parts apart; what is wrong stands right below the header, and the connections
    // below the rates.
    const bool apart =
        part.rank != Rank::kHeader && part.rank != Rank::kNotices && part.rank != Rank::kConnections;
    if (apart && spare > 0) {
      lines.emplace_back();
      --spare;
    }
    for (auto& line : part.draw(part.rows)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace synward::control
