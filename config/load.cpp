#include "config/load.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <filesystem>
#include <fstream>
#include <sys/un.h>

#include "config/reader.hpp"
#include "config/values.hpp"

namespace synward::config {
namespace {

constexpr const char* kLcores =
    "a list of lcores, like \"1\" or \"1-3,6\", each from 0 to 126 and named once";
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

void read_workers(Reader& top, Errors& errors, Config& config) {
  const auto* node = top.find("workers", "a table", true);
  if (node == nullptr) return;
  if (!node->is_table()) return top.refuse("workers", "a table");
  Reader workers{*node->as_table(), "workers", errors};
  if (const auto lcores = workers.get<std::string>("lcores", kLcores, true)) {
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

void read_port(Reader reader, Config& config) {
  config.port.name = read_name(reader);
  constexpr const char* kDevice =
      "a PCI address or a DPDK device string; for the kernel's eth0 write \"net_af_packet0,iface=eth0\"";
  constexpr std::string_view kVirtual = "net_";
  if (const auto device = reader.get<std::string>("device", kDevice, true)) {
    const bool is_virtual = device->starts_with(kVirtual) && device->size() > kVirtual.size();
    config.port.device = is_virtual ? *device : pci_device(*device);
    if (config.port.device.empty()) reader.refuse("device", kDevice);
  }
  constexpr const char* kMtu = "bytes of an IP packet, 1280 (RFC 8200 5) to 9600";
  read_integer(reader, "mtu", kMtu, 1280, 9600, config.port.mtu);
  reader.finish();
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
  constexpr const char* kThen = "\"accept\"";
  if (const auto then = reader.get<std::string>("then", kThen, false); then && *then != "accept") {
    reader.refuse("then", kThen);
  }
  constexpr const char* kIdle = "seconds, 1 to 604800 (a week)";
  read_integer(reader, "idle_timeout", kIdle, 1, 604'800, service.idle_timeout_s);
  constexpr const char* kClose = "seconds of silence, 1 to 604800 (a week)";
  read_integer(reader, "close_after", kClose, 1, 604'800, service.close_after_s);
  reader.finish();
  config.services.push_back(std::move(service));
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
  read_integer(accept, "backlog", kBacklog, 1, 1'048'576, config.accept_backlog);
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

std::string address_text(const Service& service) {
  char text[INET6_ADDRSTRLEN];
  const bool four = std::holds_alternative<wire::Ipv4Address>(service.address);
  std::visit([&](const auto& a) { inet_ntop(four ? AF_INET : AF_INET6, a.bytes.data(), text, sizeof text); },
             service.address);
  const std::uint8_t all = four ? 32 : 128;
  return text + (service.prefix_bits == all ? std::string{} : "/" + std::to_string(service.prefix_bits));
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
  try {
    const toml::table file = toml::parse(text, path);
    Reader top{file, "", errors};
    read_workers(top, errors, loaded.config);
    each_table(top, errors, "port", 1, 1,
               [&](Reader reader) { read_port(std::move(reader), loaded.config); });
    each_table(top, errors, "service", 1, 65'000,
               [&](Reader reader) { read_service(std::move(reader), loaded.config); });
    const auto into = [&](auto read) {
      return [&loaded, read](Reader& reader) { read(reader, loaded.config); };
    };
    optional_table(top, errors, "table", into(read_table));
    optional_table(top, errors, "accept", into(read_accept));
    optional_table(top, errors, "control", into(read_control));
    top.finish();
  } catch (const toml::parse_error& error) {
    errors.add(error.source(), "not TOML: " + std::string{error.description()});
  }
  loaded.errors = errors.sorted();
  return loaded;
}

Loaded load(const std::string& path) {
  std::error_code error;
  std::ifstream file{path, std::ios::binary};
  if (!file.is_open() || !std::filesystem::is_regular_file(path, error)) {
    return {{}, {path + ": cannot be read: it must be a file that this user may read"}};
  }
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.str(), path);
}

std::string to_toml(const Config& config) {
  std::string lcores;
  for (const auto lcore : config.lcores) lcores += (lcores.empty() ? "" : ",") + std::to_string(lcore);
  toml::array services;
  for (const Service& service : config.services) {
    toml::table row{{"name", service.name},
                    {"address", address_text(service)},
                    {"port", service.port},
                    {"then", "accept"},
                    {"idle_timeout", service.idle_timeout_s}};
    if (service.close_after_s != 0) row.insert("close_after", service.close_after_s);
    services.push_back(std::move(row));
  }
  toml::table port{{"name", config.port.name}, {"device", config.port.device}};
  if (config.port.mtu != 0) port.insert("mtu", config.port.mtu);
  const toml::table file{{"workers", toml::table{{"lcores", lcores},
                                                 {"poll", config.poll == Poll::kBusy ? "busy" : "adaptive"}}},
                         {"port", toml::array{std::move(port)}},
                         {"service", services},
                         {"table", toml::table{{"connections_per_core", config.connections_per_core}}},
                         {"accept", toml::table{{"backlog", config.accept_backlog}}},
                         {"control", toml::table{{"socket", config.control_socket}}}};
  std::ostringstream text;
  text << file << "\n";
  return text.str();
}

}  // namespace synward::config
