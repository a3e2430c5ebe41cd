#include "config/schema.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <sys/un.h>

#include "config/values.hpp"

namespace synward::config {
namespace {

constexpr Table kTables[] = {
    {.name = "workers",
     .help = "The threads that handle frames. Each owns its queues, connections and counters."},
    {.name = "port",
     .least = 1,
     .most = 2,
     .help =
         "Where frames come from and go to. With two ports synward is a bump in the wire: it has no address "
         "of its own, and all frames but those of the services pass. With one it is an endpoint: it owns the "
         "services' addresses and takes their connections itself."},
    {.name = "service",
     .least = 1,
     .most = 65'000,
     .live = true,
     .help = "What is protected: a TCP port of an address, or of every address of a prefix."},
    {.name = "cookie", .help = "What SYN cookies are made with."},
    {.name = "drop_list",
     .live = true,
     .help = "Clients from whom no service gets TCP, and whose pings get no answer."},
    {.name = "table", .help = "Where a worker keeps its connections."},
    {.name = "accept", .help = "Connections that synward takes itself: only with one port."},
    {.name = "inline", .help = "The wire between two ports."},
    {.name = "control", .help = "How a running synward is reached."},
};

constexpr Choice kPolls[] = {{"adaptive"}, {"busy"}};
constexpr Choice kThens[] = {{"accept", Mode::kOnePort}, {"proxy", Mode::kTwoPorts}};

constexpr Range kAtLeastOneLetter{.least = 1};
constexpr Range kUpToAWeek{.least = 1, .most = 604'800, .most_note = "a week"};

constexpr std::string_view kLcoreList = "^(auto|[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)$";
constexpr std::string_view kInterfaceName = "^[!-+.0-9;-~-]{1,15}$";
constexpr std::string_view kDevice =
    "^(net_.|[!-+.0-9;-~-]{1,15}(,|$)|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}(,|$)"
    "|([0-9A-Fa-f]{4}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\\.[0-7](,|$))";
constexpr std::string_view kAddressOrPrefix =
    "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(/[0-9]+)?$";
constexpr std::string_view kSocketAddress =
    "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\\]):[0-9]*[1-9][0-9]*$";
constexpr std::string_view kAbsolutePath = "^/";
constexpr std::string_view kAbsolutePathOfAFile = "^/(.|\\n)*[^/]$";

constexpr Setting kSettings[] = {
    {.table = "workers",
     .key = "lcores",
     .standard = "\"auto\"",
     .words = "\"auto\", or a list of lcores, like \"1\" or \"1-3,6\", each from 0 to 126 and named once",
     .pattern = kLcoreList,
     .help =
         "The DPDK lcores that get a worker each. `\"auto\"` takes each isolated core, or each physical core "
         "but the first, of the NIC's NUMA node, as far as its free huge pages reach. The control thread "
         "takes a free core, or shares one."},
    {.table = "workers",
     .key = "poll",
     .standard = "\"adaptive\"",
     .choices = kPolls,
     .help = "`\"adaptive\"` naps while nothing comes, for at most 200 us, and 500 after a tenth of a "
             "second; `\"busy\"` never does."},

    {.table = "port",
     .key = "name",
     .required = true,
     .words = "a name",
     .range = kAtLeastOneLetter,
     .help = "What logs and `synward stats` call it. Of two ports the one toward the clients is "
             "`\"outside\"`, the "
             "one toward the servers `\"inside\"`."},
    {.table = "port",
     .key = "device",
     .required = true,
     .words = "a NIC by its PCI address, MAC address or interface, or a DPDK device string: "
              "\"net_af_packet0,iface=eth0\" is eth0 through the kernel",
     .pattern = kDevice,
     .help = "The NIC or virtual device. Arguments for its driver may stand behind a comma. Two ports want "
             "two devices. "
             "`net_af_packet`'s "
             "default ring of 512 frames overflows uncounted: give it `framecnt=2048`."},
    {.table = "port",
     .key = "mtu",
     .type = Type::kInteger,
     .otherwise = "what the device has",
     .words = "bytes of an IP packet",
     .range = {.least = 1280, .most = 9600, .least_note = "RFC 8200 5"},
     .help = "The largest IP packet; for jumbo frames. The same at two ports. `net_af_packet` wants "
             "`framesz=9216,blocksz=36864` for 9000."},
    {.table = "port",
     .key = "take_default_route",
     .otherwise = "a NIC that has it is refused",
     .words = "the name of the interface that may be taken",
     .pattern = kInterfaceName,
     .help = "Interface of a NIC that the machine's default route goes by, and that synward may take all the "
             "same."},

    {.table = "service",
     .key = "name",
     .required = true,
     .words = "a name",
     .range = kAtLeastOneLetter,
     .help = "What logs call it; no two services share one."},
    {.table = "service",
     .key = "address",
     .required = true,
     .words =
         "a unicast IPv4 or IPv6 address (no IPv4-mapped one), or a prefix like \"198.18.0.0/24\" whose host "
         "bits are zero",
     .pattern = kAddressOrPrefix,
     .help = "The servers' own with two ports, synward's with one."},
    {.table = "service",
     .key = "port",
     .type = Type::kInteger,
     .required = true,
     .words = "a TCP port",
     .range = {.least = 1, .most = 65'535},
     .help = "No two services have the same address and port."},
    {.table = "service",
     .key = "then",
     .otherwise = "as the number of ports says",
     .words = "\"accept\" with one port, \"proxy\" with two",
     .choices = kThens,
     .help =
         "What happens to a client that proved its address. `\"proxy\"`: it gets a connection to the server. "
         "`\"accept\"`: synward itself takes the connection, acknowledges what is sent and throws it away."},
    {.table = "service",
     .key = "idle_timeout",
     .type = Type::kInteger,
     .standard = "7440",
     .words = "seconds",
     .range = kUpToAWeek,
     .help = "Seconds of silence after which a connection is reset; the default is that of RFC 5382 REQ-5."},
    {.table = "service",
     .key = "close_after",
     .type = Type::kInteger,
     .mode = Mode::kOnePort,
     .otherwise = "never",
     .words = "seconds of silence",
     .range = kUpToAWeek,
     .help = "Seconds of silence after which synward closes a connection in order, with FIN."},

    {.table = "cookie",
     .key = "key_file",
     .otherwise = "keys are drawn at start",
     .words = "an absolute path of a file",
     .pattern = kAbsolutePathOfAFile,
     .help = "Made by `synward keys init`, the same on every node of a fleet, read again when it changes. "
             "Without "
             "one a restart breaks the handshakes in flight, and no other node knows the keys."},

    {.table = "drop_list",
     .key = "sources",
     .type = Type::kTexts,
     .standard = "[]",
     .words = "clients' addresses or prefixes",
     .each = kListed,
     .pattern = kAddressOrPrefix,
     .help = "Clients by their address or prefix."},
    {.table = "drop_list",
     .key = "files",
     .type = Type::kTexts,
     .standard = "[]",
     .words = "absolute paths of files",
     .each = "of one address or prefix in a line",
     .pattern = kAbsolutePath,
     .help = "More of them in files, as blocklists are published: what stands behind `;` or `#` is a "
             "comment. Read again by `synward reload`."},

    {.table = "table",
     .key = "connections_per_core",
     .type = Type::kInteger,
     .standard = "1048576",
     .words = "connections",
     .range = {.least = 1024, .most = 67'108'864},
     .help = "Room for this many connections of each family that a service has; each takes 64 bytes, 96 over "
             "IPv6."},

    {.table = "accept",
     .key = "backlog",
     .type = Type::kInteger,
     .mode = Mode::kOnePort,
     .standard = "4096",
     .words = "connections",
     .range = {.least = 1, .most = 1'048'576},
     .help = "Connections of one core that wait to be accepted; the ACK that finds it full is dropped."},

    {.table = "inline",
     .key = "propagate_link",
     .type = Type::kFlag,
     .mode = Mode::kTwoPorts,
     .standard = "false",
     .words = "true or false",
     .help = "A port's link goes down with the other's, and comes up with it, as behind one cable: for "
             "routers that "
             "watch it."},

    {.table = "control",
     .key = "socket",
     .standard = "\"/run/synward/control.sock\"",
     .words = "an absolute path of a file",
     .range = {.most = sizeof(sockaddr_un::sun_path) - 1},
     .pattern = kAbsolutePathOfAFile,
     .help = "The Unix socket where `synward stats` asks."},
    {.table = "control",
     .key = "metrics",
     .otherwise = "metrics are served nowhere",
     .words = "an address and a port, like \"127.0.0.1:9464\" or \"[::1]:9464\"",
     .pattern = kSocketAddress,
     .help = "Where Prometheus scrapes `/metrics`, and where a browser shows what goes on; `/stats` is the "
             "same as JSON. It has no password."},
    {.table = "control",
     .key = "telemetry",
     .type = Type::kFlag,
     .standard = "false",
     .words = "true or false",
     .help =
         "DPDK's telemetry: `dpdk-telemetry.py -f synward`, as the user who runs synward, has the numbers of "
         "`synward stats --json` under `/synward`, at most a quarter of a second old. DPDK's own commands "
         "come with it. Those that read a port from its driver, such as `/ethdev/stats`, wait for nobody: "
         "one that is asked for while the port is reset, or goes, may read what is no more."},
};

/// Each setting has one answer to what holds unless told, belongs to a table, and stands beside its others.
consteval bool rows_are_whole() {
  std::size_t groups = 0;
  std::string_view group;
  for (const Setting& row : kSettings) {
    if (row.required + !row.standard.empty() + !row.otherwise.empty() != 1) return false;
    if (row.help.empty() || (row.words.empty() && row.choices.empty())) return false;
    if (row.type == Type::kInteger && row.range.least >= row.range.most) return false;
    if (row.table != group) ++groups;
    group = row.table;
    if (std::none_of(std::begin(kTables), std::end(kTables),
                     [&](const Table& table) { return table.name == row.table; })) {
      return false;
    }
  }
  return groups == std::size(kTables);
}
static_assert(rows_are_whole());

std::string with_note(std::int64_t number, std::string_view note) {
  return std::to_string(number) + (note.empty() ? "" : " (" + std::string{note} + ")");
}

}  // namespace

std::span<const Table> tables() { return kTables; }
std::span<const Setting> settings() { return kSettings; }

std::span<const Setting> settings_of(const Table& table) {
  const auto ours = [&](const Setting& row) { return row.table == table.name; };
  const auto* first = std::find_if(std::begin(kSettings), std::end(kSettings), ours);
  return {first, std::find_if_not(first, std::end(kSettings), ours)};
}

const Table& table_row(std::string_view name) {
  for (const Table& row : kTables) {
    if (row.name == name) return row;
  }
  throw std::logic_error{"config/schema.cpp has no table " + std::string{name}};
}

const Setting& setting_row(std::string_view table, std::string_view key) {
  for (const Setting& row : kSettings) {
    if (row.table == table && row.key == key) return row;
  }
  throw std::logic_error{"config/schema.cpp has no setting " + std::string{table} + "." + std::string{key}};
}

std::string allowed(const Setting& setting) {
  std::string text{setting.words};
  if (text.empty()) {
    for (const Choice& choice : setting.choices)
      text += (text.empty() ? "\"" : " or \"") + std::string{choice.text} + "\"";
  }
  if (!setting.each.empty()) text += ", each " + std::string{setting.each};
  const auto& [least, most, least_note, most_note] = setting.range;
  if (setting.type == Type::kInteger)
    return text + ", " + with_note(least, least_note) + " to " + with_note(most, most_note);
  if (most != 0) text += ", at most " + std::to_string(most) + " bytes";
  return text;
}

std::string allowed(const Table& table) {
  if (table.most == 0) return "a table";
  return "tables, written " + heading(table) + ", at least " + std::to_string(table.least) + " and at most " +
         std::to_string(table.most);
}

std::string_view allowed_in_other_mode(const Setting& setting) {
  return setting.mode == Mode::kOnePort ? "nothing with two ports: it belongs to \"accept\", which wants one"
                                        : "nothing with one port: it belongs to two";
}

std::string heading(const Table& table) {
  const std::string name{table.name};
  return table.most == 0 ? "[" + name + "]" : "[[" + name + "]]";
}

}  // namespace synward::config
