#include <array>
#include <utility>

#include <fmt/format.h>

#include "control/top_parts.hpp"

namespace synward::control {
namespace {

using Lines = std::vector<std::string>;

/// "cores, busy: mean 45%, most 98% (core 17)"
std::string cores_title(const TopView& view, const Screen& screen) {
  double sum = 0, most = -1;
  std::size_t known = 0, busiest = 0;
  for (std::size_t c = 0; c < view.cores.size(); ++c) {
    const auto share = newest(view.cores[c]);
    if (!share) continue;
    ++known;
    sum += *share;
    if (*share > most) {
      most = *share;
      busiest = c;
    }
  }
  std::string what = "cores, busy";
  if (known == 0 || view.cores.size() == 1) return what;
  const auto mean = fmt::format("{}: mean {}", what, percent_text(sum / static_cast<double>(known), 0));
  return is_narrow(screen) ? mean
                           : fmt::format("{}, most {} (core {})", mean, percent_text(most, 0), busiest);
}

/// What stands on each line of a list, and what it has room for.
struct Row {
  std::string_view name, place;  // either may be empty, in all rows
  std::array<std::optional<double>, 3> figures;
  std::string_view state;
  Style style;
};
struct List {
  Rank rank;
  std::string_view title;
  std::array<std::string_view, 3> figures;
  std::size_t figure_columns;
  std::size_t figures_if_narrow;  // of names without their places, if there are any
  std::vector<Row> rows;
};

Part part_of(const List& list, const Screen& screen) {
  constexpr std::size_t kGap = 2, kState = kGap + 7, kLeastText = 24;
  const bool narrow = is_narrow(screen);
  const Look look = screen.look;
  const std::size_t figures = narrow ? list.figures_if_narrow : list.figures.size();
  const std::size_t room = rest(screen, figures * list.figure_columns + kState);
  std::size_t name = 0, place = 0;
  for (const Row& row : list.rows) {
    name = std::max(name, columns_of(row.name));
    place = std::max(place, columns_of(row.place));
  }
  if (narrow && name > 0) place = 0;
  name = std::min(name, place > 0 ? room / 3 : room);
  const std::size_t gap = name > 0 && place > 0 ? kGap : 0;
  place = std::min(place, room - name - gap);
  const std::size_t text = std::min(room, std::max(name + gap + place, kLeastText));
  return {list.rank, 2, 1 + list.rows.size(), [=, &screen](std::size_t rows) {
            std::string titles = left(and_more(list.title, list.rows.size(), rows - 1), text, look);
            for (std::size_t f = 0; f < figures; ++f)
              titles += right(list.figures[f], list.figure_columns, look);
            Lines lines{heading(titles + "  state", screen)};
            for (std::size_t i = 0; i + 1 < rows; ++i) {
              const Row& row = list.rows[i];
              std::string line = left(row.name, name, look) + std::string(gap, ' ') +
                                 left_with_end(row.place, place, look) +
                                 std::string(text - name - gap - place, ' ');
              for (std::size_t f = 0; f < figures; ++f)
                line += right(compact(row.figures[f]), list.figure_columns, look);
              lines.push_back(line + std::string(kGap, ' ') + styled(row.state, row.style, look));
            }
            return lines;
          }};
}

std::pair<std::string_view, Style> state_of(const TopView::Service& service) {
  switch (service.state) {
    case ServiceState::kFlooded:
      return {"flooded", Style::kAlarm};
    case ServiceState::kBusy:
      return {"busy", Style::kGood};
    case ServiceState::kQuiet:
      break;
  }
  return {"quiet", Style::kFaint};
}

}  // namespace

Part cores_in_cells(const TopView& view, const Screen& screen) {
  constexpr std::size_t kGraph = 8, kGap = 3;
  const std::size_t digits = std::to_string(view.cores.size() - 1).size();
  const std::size_t cell = digits + 1 + kGraph + 5;
  const std::size_t a_line = std::max<std::size_t>((screen.columns + kGap) / (cell + kGap), 1);
  const std::size_t lines = (view.cores.size() + a_line - 1) / a_line;
  return {Rank::kCores, 1, 1 + lines, [=, &view, &screen](std::size_t rows) {
            Lines all{heading(cores_title(view, screen), screen)};
            for (std::size_t row = 0; row + 1 < rows; ++row) {
              std::string line;
              for (std::size_t c = row * a_line; c < std::min((row + 1) * a_line, view.cores.size()); ++c) {
                if (!line.empty()) line += std::string(kGap, ' ');
                line += fmt::format("{:>{}} ", c, digits);
                line += styled(sparkline(view.cores[c], kGraph, 1, screen.look), Style::kGraph, screen.look);
                line += fmt::format("{:>5}", percent_text(newest(view.cores[c]), 0));
              }
              all.push_back(std::move(line));
            }
            return all;
          }};
}

Part cores_in_short(const TopView& view, const Screen& screen) {
  const std::size_t count = view.cores.size();
  const std::size_t lines = (count + screen.columns - 1) / screen.columns;
  return {Rank::kCores, 1, 1 + lines, [=, &view, &screen](std::size_t rows) {
            const std::size_t shown = std::min(count, (rows - 1) * screen.columns);
            Lines all{heading(
                shown == 0 ? cores_title(view, screen) : and_more(cores_title(view, screen), count, shown),
                screen)};
            for (std::size_t first = 0; first < shown; first += screen.columns) {
              Series now;
              for (std::size_t c = first; c < std::min(first + screen.columns, shown); ++c)
                now.push_back(newest(view.cores[c]));
              all.push_back(styled(sparkline(now, now.size(), 1, screen.look), Style::kGraph, screen.look));
            }
            return all;
          }};
}

Part services(const TopView& view, const Screen& screen) {
  std::vector<const TopView::Service*> ordered;
  ordered.reserve(view.services.size());
  for (const auto& service : view.services) ordered.push_back(&service);
  std::ranges::stable_sort(ordered, std::ranges::greater{}, &TopView::Service::state);
  List list{Rank::kServices, "services", {"SYN/s", "valid/s", "bad/s"}, 8, 1, {}};
  for (const auto* service : ordered) {
    const auto [state, style] = state_of(*service);
    list.rows.push_back({service->name,
                         service->place,
                         {service->syns_per_s, service->valid_per_s, service->invalid_per_s},
                         state,
                         style});
  }
  return part_of(list, screen);
}

Part backends(const TopView& view, const Screen& screen) {
  List list{Rank::kBackends, "backends", {"answered", "refused", "silent"}, 10, 0, {}};
  for (const auto& backend : view.backends) {
    const auto in_all = [](std::uint64_t count) { return static_cast<double>(count); };
    list.rows.push_back({"",
                         backend.place,
                         {in_all(backend.handshakes), in_all(backend.refusals), in_all(backend.silences)},
                         backend.down ? "down" : "up",
                         backend.down ? Style::kAlarm : Style::kGood});
  }
  return part_of(list, screen);
}

std::vector<Part> sources(const TopView& view, const Screen& screen) {
  constexpr std::size_t kGap = 2, kCount = 6;
  struct List {
    const TopView::Sources* sources;
    std::size_t columns;
  };
  std::vector<std::vector<List>> bands;
  std::size_t used = 0;
  for (const auto& list : view.sources) {
    std::size_t columns = columns_of(and_more(fmt::format("{} from", list.of), list.prefixes.size(), 1)) + 5;
    for (const auto& [prefix, count] : list.prefixes)
      columns = std::max(columns, columns_of(prefix) + kCount);
    columns = std::min(columns, screen.columns);
    if (bands.empty() || used + kGap + columns > screen.columns) {
      bands.emplace_back();
      used = 0;
    }
    used += (used == 0 ? 0 : kGap) + columns;
    bands.back().push_back({&list, columns});
  }
  std::vector<Part> parts;
  for (auto& band : bands) {
    std::size_t most = 0;
    for (const List& list : band) most = std::max(most, list.sources->prefixes.size());
    parts.push_back({Rank::kSources, 2, 1 + most, [band = std::move(band), &screen](std::size_t rows) {
                       const Look look = screen.look;
                       Lines lines(rows);
                       for (std::size_t l = 0; l < band.size(); ++l) {
                         const auto& [of, prefixes] = *band[l].sources;
                         const std::string gap(l == 0 ? 0 : kGap, ' ');
                         const auto what = and_more(fmt::format("{} from", of), prefixes.size(), rows - 1);
                         lines[0] += gap + left(what, rest({.columns = band[l].columns}, 5), look) + " /min";
                         const std::size_t room = rest({.columns = band[l].columns}, kCount);
                         for (std::size_t i = 0; i + 1 < rows; ++i) {
                           const bool any = i < prefixes.size();
                           lines[i + 1] += gap + left_with_end(any ? prefixes[i].first : "", room, look);
                           lines[i + 1] += right(any ? compact(static_cast<double>(prefixes[i].second)) : "",
                                                 kCount, look);
                         }
                       }
                       for (auto& line : lines) line.erase(line.find_last_not_of(' ') + 1);
                       lines[0] = heading(lines[0], screen);
                       return lines;
                     }});
  }
  return parts;
}

}  // namespace synward::control
