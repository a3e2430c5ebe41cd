#include "config/load.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/un.h>

#include "config/drop_file.hpp"
#include "config/reader.hpp"
#include "config/text_file.hpp"
#include "config/values.hpp"

namespace synward::config {
namespace {

constexpr const char* kLcores =
    "\"auto\", or a list of lcores, like \"1\" or \"1-3,6\", each from 0 to 126 and named once";
constexpr const char* kAddress =
    "a unicast IPv4 or IPv6 address (no IPv4-mapped one), or a prefix like \"198.18.0.0/24\" whose host bits "
    "are zero";

/// Leaves `value` as it is when the key is not there.
void read_integer(Reader& reader, const char* key, const char* allowed, std::int64_t least, std::int64_t most,
                  std::uint32_t& value) {
  const auto number = reader.get<std::int64_t>(key, allowed, false);
  if (!number) return;
  if (*number < least || *number > most) return reader.refuse(key, allowed);
  value = static_cast<std::uint32_t>(*number);
}

/// read_integer() of what only "accept" has a use for.
void read_integer_of_accept(Reader& reader, const Config& config, const char* key, const char* allowed,
                            std::int64_t most, std::uint32_t& value) {
  constexpr const char* kNothing = "nothing with two ports: it belongs to \"accept\", which wants one";
  if (!is_inline(config)) return read_integer(reader, key, allowed, 1, most, value);
  if (reader.find(key, kNothing, false) != nullptr) reader.refuse(key, kNothing);
}

void read_workers(Reader& top, Errors& errors, Config& config) {
  const auto* node = top.find("workers", "a table", false);
  if (node == nullptr) return;
  if (!node->is_table()) return top.refuse("workers", "a table");
  Reader workers{*node->as_table(), "workers", errors};
  const auto lcores = workers.get<std::string>("lcores", kLcores, false);
  if (lcores && *lcores != "auto") {
    config.lcores = parse_lcores(*lcores);
    if (config.lcores.empty()) workers.refuse("lcores", kLcores);
  }
  constexpr const char* kPoll = "\"adaptive\" or \"busy\"";
  if (const auto poll = workers.get<std::string>("poll", kPoll, false)) {
    if (*poll != "adaptive" && *poll != "busy") workers.refuse("poll", kPoll);
    config.poll = *poll == "busy" ? Poll::kBusy : Poll::kAdaptive;
  }
  workers.finish();
}

std::string read_name(Reader& reader) {
  constexpr const char* kName = "a name";
  auto name = reader.get<std::string>("name", kName, true);
  if (name && name->empty()) reader.refuse("name", kName);
  return name.value_or("");
}

/// Calls `read` with a reader for each table of the array `key`, which must hold `least` to `most`.
template <typename Read>
void each_table(Reader& top, Errors& errors, const char* key, std::size_t least, std::size_t most,
                Read&& read) {
  const std::string allowed =
      "tables, written [[" + std::string{key} + "]], " +
      (most == least ? "exactly " + std::to_string(least)
                     : "at least " + std::to_string(least) + " and at most " + std::to_string(most));
  const auto* node = top.find(key, allowed, true);
  if (node == nullptr) return;
  const auto* array = node->as_array();
  if (array == nullptr || array->size() < least || array->size() > most ||
      !array->is_homogeneous<toml::table>()) {
    return top.refuse(key, allowed);
  }
  std::size_t i = 0;
  for (const toml::node& element : *array) {
    if (const auto* table = element.as_table()) {
      read(Reader{*table, std::string{key} + "[" + std::to_string(i++) + "]", errors});
    }
  }
}

void read_port(Reader& reader, Config& config) {
  Port port;
  port.name = read_name(reader);
  constexpr const char* kDevice =
      "a NIC by its PCI address, MAC address or interface, or a DPDK device string: "
      "\"net_af_packet0,iface=eth0\" "
      "is eth0 through the kernel";
  constexpr std::string_view kVirtual = "net_";
  if (const auto device = reader.get<std::string>("device", kDevice, true)) {
    const bool is_virtual = device->starts_with(kVirtual) && device->size() > kVirtual.size();
    port.device = is_virtual ? *device : nic_device(*device);
    if (port.device.empty()) reader.refuse("device", kDevice);
  }
  constexpr const char* kMtu = "bytes of an IP packet, 1280 (RFC 8200 5) to 9600";
  read_integer(reader, "mtu", kMtu, 1280, 9600, port.mtu);
  constexpr const char* kRoute = "the name of the interface that may be taken";
  if (const auto interface = reader.get<std::string>("take_default_route", kRoute, false)) {
    if (!is_interface_name(*interface)) reader.refuse("take_default_route", kRoute);
    port.take_default_route = *interface;
  }
  reader.finish();
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

void read_ports(Reader& top, Errors& errors, Config& config) {
  std::vector<Reader> readers;
  each_table(top, errors, "port", 1, 2, [&](Reader reader) {
    read_port(reader, config);
    readers.push_back(std::move(reader));
  });
  if (is_inline(config)) pair_up(readers, config);
}

/// The number of ports decides what happens to a connection; who writes it down must mean the same.
void read_then(Reader& reader, const Config& config) {
  constexpr const char* kThen = "\"accept\" with one port, \"proxy\" with two";
  const auto then = reader.get<std::string>("then", kThen, false);
  if (!then) return;
  if (*then != "accept" && *then != "proxy") return reader.refuse("then", kThen);
  if (*then == "proxy" && config.ports.size() == 1) {
    reader.refuse("then", "\"accept\" with one port: \"proxy\" wants two, outside and inside");
  }
  if (*then == "accept" && is_inline(config)) {
    reader.refuse("then", "\"proxy\" with two ports: \"accept\" wants one");
  }
}

void read_service(Reader reader, Config& config) {
  Service service{};
  service.name = read_name(reader);
  const auto same_name = [&](const Service& other) { return other.name == service.name; };
  if (std::any_of(config.services.begin(), config.services.end(), same_name)) {
    reader.refuse("name", "a name that no other service has");
  }
  const auto address = reader.get<std::string>("address", kAddress, true);
  const bool good_address = address && parse_address(*address, service);
  if (address && !good_address) reader.refuse("address", kAddress);
  constexpr const char* kPort = "a TCP port, 1 to 65535";
  if (const auto port = reader.get<std::int64_t>("port", kPort, true)) {
    if (*port < 1 || *port > 65535) reader.refuse("port", kPort);
    service.port = static_cast<std::uint16_t>(*port);
    const auto same_place = [&](const Service& other) {
      return other.address == service.address && other.prefix_bits == service.prefix_bits &&
             other.port == service.port;
    };
    if (good_address && std::any_of(config.services.begin(), config.services.end(), same_place)) {
      reader.refuse("port", "one that no other service has at this address");
    }
  }
  read_then(reader, config);
  constexpr const char* kIdle = "seconds, 1 to 604800 (a week)";
  read_integer(reader, "idle_timeout", kIdle, 1, 604'800, service.idle_timeout_s);
  constexpr const char* kClose = "seconds of silence, 1 to 604800 (a week)";
  read_integer_of_accept(reader, config, "close_after", kClose, 604'800, service.close_after_s);
  reader.finish();
  config.services.push_back(std::move(service));
}

/// Calls `read` with a reader for the table `key`, when it is there.
template <typename Read>
void optional_table(Reader& top, Errors& errors, const char* key, Read&& read) {
  const auto* node = top.find(key, "a table", false);
  if (node == nullptr) return;
  if (!node->is_table()) return top.refuse(key, "a table");
  Reader reader{*node->as_table(), key, errors};
  read(reader);
  reader.finish();
}

void read_table(Reader& table, Config& config) {
  constexpr const char* kConnections = "connections, 1024 to 67108864";
  read_integer(table, "connections_per_core", kConnections, 1024, 67'108'864, config.connections_per_core);
}

void read_accept(Reader& accept, Config& config) {
  constexpr const char* kBacklog = "connections, 1 to 1048576";
  read_integer_of_accept(accept, config, "backlog", kBacklog, 1'048'576, config.accept_backlog);
}

void read_inline(Reader& wire, Config& config) {
  constexpr const char *kFlag = "true or false", *kNothing = "nothing with one port: it belongs to two";
  if (!is_inline(config)) {
    if (wire.find("propagate_link", kNothing, false) != nullptr) wire.refuse("propagate_link", kNothing);
    return;
  }
  config.propagate_link = wire.get<bool>("propagate_link", kFlag, false).value_or(false);
}

/// Calls `take(text)` for each string of the array `key`; when it says no, the string is refused.
template <typename Take>
void each_string(Reader& reader, const char* key, const std::string& allowed, Take&& take) {
  const auto* node = reader.find(key, allowed, false);
  if (node == nullptr) return;
  const auto* array = node->as_array();
  if (array == nullptr) return reader.refuse(key, allowed);
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto* text = (*array)[i].as_string();
    if (text == nullptr || !take(text->get())) reader.refuse(key, i, allowed);
  }
}

/// What is wrong in its files goes to `errors_in_files`: it has no place in this one.
void read_drop_list(Reader& list, Config& config, std::vector<std::string>& errors_in_files) {
  DropList& drops = config.drop_list;
  each_string(list, "sources", "clients' addresses or prefixes, each " + std::string{kListed},
              [&](const std::string& text) {
                const auto prefix = parse_prefix(text);
                if (prefix) drops.sources.push_back(*prefix);
                return prefix.has_value();
              });
  std::size_t left = kMostListed;
  each_string(list, "files", "absolute paths of files, each of one address or prefix in a line",
              [&](const std::string& path) {
                if (!path.starts_with('/')) return false;
                auto [prefixes, errors] = read_drop_file(path, left);
                left -= prefixes.size();
                drops.files.push_back({path, std::move(prefixes)});
                errors_in_files.insert(errors_in_files.end(), errors.begin(), errors.end());
                return true;
              });
}

void read_control(Reader& control, Config& config) {
  constexpr const char* kSocket = "an absolute path of a file, at most 107 bytes";
  static_assert(sizeof(sockaddr_un::sun_path) == 108);
  if (const auto path = control.get<std::string>("socket", kSocket, false)) {
    const auto file = std::filesystem::path{*path}.filename();
    const bool names_folder = file.empty() || file == "." || file == "..";
    if (!path->starts_with('/') || names_folder || path->size() >= sizeof(sockaddr_un::sun_path))
      control.refuse("socket", kSocket);
    config.control_socket = *path;
  }
}

}  // namespace

std::string nearest(std::string_view key, const std::vector<std::string>& known) {
  const auto edits = [&](std::string_view other) {  // Levenshtein, one row at a time
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < key.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t replaced = diagonal + (key[i] == other[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    return row.back();
  };
  return *std::min_element(known.begin(), known.end(),
                           [&](const auto& a, const auto& b) { return edits(a) < edits(b); });
}

Loaded parse(std::string_view text, const std::string& path) {
  Loaded loaded;
  Errors errors{path};
  std::vector<std::string> errors_in_files;
  try {
    const toml::table file = toml::parse(text, path);
    Reader top{file, "", errors};
    read_workers(top, errors, loaded.config);
    read_ports(top, errors, loaded.config);  // first: how many there are decides what services may say
    each_table(top, errors, "service", 1, 65'000,
               [&](Reader reader) { read_service(std::move(reader), loaded.config); });
    const auto into = [&](auto read) {
      return [&loaded, read](Reader& reader) { read(reader, loaded.config); };
    };
    optional_table(top, errors, "table", into(read_table));
    optional_table(top, errors, "accept", into(read_accept));
    optional_table(top, errors, "inline", into(read_inline));
    optional_table(top, errors, "drop_list",
                   [&](Reader& list) { read_drop_list(list, loaded.config, errors_in_files); });
    optional_table(top, errors, "control", into(read_control));
    top.finish();
  } catch (const toml::parse_error& error) {
    errors.add(error.source(), "not TOML: " + std::string{error.description()});
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
