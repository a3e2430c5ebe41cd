#include "config/load.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "config/drop_file.hpp"
#include "config/reader.hpp"
#include "config/text_file.hpp"
#include "config/values.hpp"

namespace synward::config {
namespace {

bool names_file(const std::string& path) {
  const auto file = std::filesystem::path{path}.filename();
  return path.starts_with('/') && !file.empty() && file != "." && file != "..";
}

/// Leaves `value` as it is when the key is not there.
template <typename Integer>
void read_integer(Reader& reader, std::string_view key, Integer& value) {
  if (const auto number = reader.integer(key)) value = static_cast<Integer>(*number);
}

/// The same of a path.
void read_path(Reader& reader, std::string_view key, std::string& value) {
  const auto path = reader.text(key);
  if (!path) return;
  if (!names_file(*path)) reader.refuse(key);
  value = *path;
}

void read_workers(Reader& workers, Config& config) {
  const auto lcores = workers.text("lcores");
  if (lcores && *lcores != "auto") {
    config.lcores = parse_lcores(*lcores);
    if (config.lcores.empty()) workers.refuse("lcores");
  }
  if (const auto poll = workers.text("poll")) config.poll = *poll == "busy" ? Poll::kBusy : Poll::kAdaptive;
}

void read_port(Reader& reader, Config& config) {
  Port port;
  port.name = reader.text("name").value_or("");
  constexpr std::string_view kVirtual = "net_";
  if (const auto device = reader.text("device")) {
    const bool is_virtual = device->starts_with(kVirtual) && device->size() > kVirtual.size();
    port.device = is_virtual ? *device : nic_device(*device);
    if (port.device.empty()) reader.refuse("device");
  }
  read_integer(reader, "mtu", port.mtu);
  if (const auto interface = reader.text("take_default_route")) {
    if (!is_interface_name(*interface)) reader.refuse("take_default_route");
    port.take_default_route = *interface;
  }
  config.ports.push_back(std::move(port));
}

/// What two ports must not have in common, and what they must. `readers` and the ports are in the order of
/// the file; what each lacks by itself has been told.
void pair_up(std::vector<Reader>& readers, Config& config) {
  constexpr const char* kNames = "\"outside\" for the one and \"inside\" for the other of two ports";
  Port &first = config.ports[0], &second = config.ports[1];
  const auto fits = [](const Port& port) { return port.name == "outside" || port.name == "inside"; };
  if (!first.name.empty() && !fits(first)) readers[0].refuse("name", kNames);
  if (!second.name.empty() && (!fits(second) || second.name == first.name)) readers[1].refuse("name", kNames);
  if (!second.device.empty() && same_device(first.device, second.device)) {
    readers[1].refuse("device", "a device of its own, with another name before the comma and another iface=");
  }
  if (first.mtu != 0 && second.mtu != 0 && first.mtu != second.mtu) {
    readers[1].refuse("mtu", "what the other of two ports has, " + std::to_string(first.mtu));
  }
  if (first.name == "inside") std::swap(first, second);
}

/// The number of ports decides what happens to a connection; who writes it down must mean the same.
void read_then(Reader& reader) {
  const auto then = reader.text("then");
  if (!then) return;
  if (*then == "proxy" && reader.mode() == Mode::kOnePort)
    reader.refuse("then", "\"accept\" with one port: \"proxy\" wants two, outside and inside");
  if (*then == "accept" && reader.mode() == Mode::kTwoPorts)
    reader.refuse("then", "\"proxy\" with two ports: \"accept\" wants one");
}

void read_service(Reader& reader, Config& config) {
  Service service{};
  service.name = reader.text("name").value_or("");
  const auto same_name = [&](const Service& other) { return other.name == service.name; };
  if (!service.name.empty() && std::any_of(config.services.begin(), config.services.end(), same_name))
    reader.refuse("name", "a name that no other service has");
  const auto address = reader.text("address");
  const bool good_address = address && parse_address(*address, service);
  if (address && !good_address) reader.refuse("address");
  if (const auto port = reader.integer("port")) {
    service.port = static_cast<std::uint16_t>(*port);
    const auto same_place = [&](const Service& other) {
      return other.address == service.address && other.prefix_bits == service.prefix_bits &&
             other.port == service.port;
    };
    if (good_address && std::any_of(config.services.begin(), config.services.end(), same_place))
      reader.refuse("port", "one that no other service has at this address");
  }
  read_then(reader);
  read_integer(reader, "idle_timeout", service.idle_timeout_s);
  read_integer(reader, "close_after", service.close_after_s);
  config.services.push_back(std::move(service));
}

/// What is wrong in its files goes to `errors_in_files`: it has no place in this one.
void read_drop_list(Reader& list, Config& config, std::vector<std::string>& errors_in_files) {
  DropList& drops = config.drop_list;
  list.each_text("sources", [&](const std::string& text) {
    const auto prefix = parse_prefix(text);
    if (prefix) drops.sources.push_back(*prefix);
    return prefix.has_value();
  });
  std::size_t left = kMostListed;
  list.each_text("files", [&](const std::string& path) {
    if (!path.starts_with('/')) return false;
    auto [prefixes, errors] = read_drop_file(path, left);
    left -= prefixes.size();
    drops.files.push_back({path, std::move(prefixes)});
    errors_in_files.insert(errors_in_files.end(), errors.begin(), errors.end());
    return true;
  });
}

void read_control(Reader& control, Config& config) {
  read_path(control, "socket", config.control_socket);
  if (const auto at = control.text("metrics")) {
    config.metrics = parse_socket_address(*at);
    if (!config.metrics) control.refuse("metrics");
  }
  config.telemetry = control.flag("telemetry").value_or(config.telemetry);
}

/// The tables of a file. Every one that there is must be asked for, as every setting of each.
class Tables {
 public:
  Tables(const toml::table& file, Errors& errors) : file_{file}, errors_{errors} {}

  /// Calls `read` with a reader for the table `name`: an empty one, when it is not there.
  template <typename Read>
  void one(std::string_view name, Mode mode, Read&& read) {
    static const toml::table kNone;
    const Table& row = ask(name);
    const toml::node* node = file_.get(name);
    if (node != nullptr && !node->is_table()) return errors_.refuse(*node, std::string{name}, allowed(row));
    Reader reader{node == nullptr ? kNone : *node->as_table(), row, std::string{name}, mode, errors_};
    read(reader);
    reader.finish();
  }

  /// Calls `read` with a reader for each table of the array `name`, and returns the readers.
  template <typename Read>
  std::vector<Reader> each(std::string_view name, Mode mode, Read&& read) {
    const Table& row = ask(name);
    const toml::node* node = file_.get(name);
    std::vector<Reader> readers;
    if (node == nullptr) {
      errors_.add(file_.source().begin, std::string{name} + " is missing: it must be " + allowed(row));
      return readers;
    }
    const toml::array* array = node->as_array();
    if (array == nullptr || array->size() < row.least || array->size() > row.most ||
        !array->is_homogeneous<toml::table>()) {
      errors_.refuse(*node, std::string{name}, allowed(row));
      return readers;
    }
    for (const toml::node& element : *array) {
      const std::string path = std::string{name} + "[" + std::to_string(readers.size()) + "]";
      Reader& reader = readers.emplace_back(*element.as_table(), row, path, mode, errors_);
      read(reader);
      reader.finish();
    }
    return readers;
  }

  void finish() {
    for (const Table& row : tables()) {
      if (std::find(asked_.begin(), asked_.end(), row.name) == asked_.end())
        throw std::logic_error{"nothing reads " + heading(row)};
    }
    errors_.refuse_unknown(file_, "", asked_);
  }

 private:
  const Table& ask(std::string_view name) {
    const Table& row = table_row(name);
    asked_.push_back(row.name);
    return row;
  }

  const toml::table& file_;
  Errors& errors_;
  std::vector<std::string_view> asked_;
};

void read_file(const toml::table& file, Errors& errors, Config& config,
               std::vector<std::string>& errors_in_files) {
  Tables tables{file, errors};
  auto ports = tables.each("port", Mode::kAny, [&](Reader& port) { read_port(port, config); });
  if (is_inline(config)) pair_up(ports, config);
  const Mode mode = mode_of(config);  // what services and others may say
  tables.each("service", mode, [&](Reader& service) { read_service(service, config); });
  tables.one("workers", mode, [&](Reader& workers) { read_workers(workers, config); });
  tables.one("cookie", mode, [&](Reader& cookie) { read_path(cookie, "key_file", config.key_file); });
  tables.one("drop_list", mode, [&](Reader& list) { read_drop_list(list, config, errors_in_files); });
  tables.one("table", mode, [&](Reader& table) {
    read_integer(table, "connections_per_core", config.connections_per_core);
  });
  tables.one("accept", mode, [&](Reader& accept) { read_integer(accept, "backlog", config.accept_backlog); });
  tables.one("inline", mode, [&](Reader& wire) {
    config.propagate_link = wire.flag("propagate_link").value_or(config.propagate_link);
  });
  tables.one("control", mode, [&](Reader& control) { read_control(control, config); });
  tables.finish();
}

}  // namespace

Loaded parse(std::string_view text, const std::string& path) {
  Loaded loaded;
  Errors errors{path};
  std::vector<std::string> errors_in_files;
  try {
    read_file(toml::parse(text, path), errors, loaded.config, errors_in_files);
  } catch (const toml::parse_error& error) {
    errors.add(error.source().begin, "not TOML: " + std::string{error.description()});
  }
  loaded.errors = errors.sorted();
  loaded.errors.insert(loaded.errors.end(), errors_in_files.begin(), errors_in_files.end());
  return loaded;
}

Loaded load(const std::string& path) {
  const auto [text, error] = read_text_file(path);
  return error.empty() ? parse(text, path) : Loaded{{}, {error}};
}

}  // namespace synward::config
